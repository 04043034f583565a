"""Runners of pipelines: each lays a pipeline of so many equal steps out, and runs it.

The steps of the rivals are plain processes or calls on this machine. Ours are containers.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import environment, program
from benchmarks.program import Done, FailedError
from benchmarks.train.places import HERE, WORK

LONGEST = 1800.0
"""Seconds that one pipeline may take."""


@dataclass(frozen=True)
class Kind:
    """How a rival is started, with ``{work}`` and ``{steps}``; ``again`` where that differs.

    ``steps`` are as many as it gets in a measure of single steps: fewer where each takes seconds.
    """

    run: tuple[str, ...]
    lay_out: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    steps: int = 1000
    keeps: bool = True


KINDS: dict[str, Kind] = {
    "dvc": Kind(
        begin=("dvc", "init", "--quiet", "--no-scm"),
        lay_out=("python", "pipeline.py", "{work}", "{steps}"),
        run=("dvc", "repro", "--quiet"),
        steps=100,
    ),
    "snakemake": Kind(
        lay_out=("python", "pipeline.py", "{work}", "{steps}"),
        run=("snakemake", "--cores", "2", "--quiet", "all"),
    ),
    "metaflow": Kind(
        run=(
            *("python", "pipeline.py", "--quiet", "run", "--work", "{work}", "--steps", "{steps}"),
            *("--max-num-splits", "100000", "--max-workers", "2"),
        ),
        again=("python", "pipeline.py", "--quiet", "resume", "--max-num-splits", "100000"),
        steps=30,
    ),
    "prefect": Kind(run=("python", "pipeline.py", "{work}", "{steps}")),
    "dagster": Kind(run=("python", "pipeline.py", "{work}", "{steps}"), steps=10, keeps=False),
    "kfp": Kind(run=("python", "pipeline.py", "{work}", "{steps}"), steps=30, keeps=False),
}
PYTHON = "3.12"


@dataclass
class Rival:
    """One of them, in an environment of its own."""

    name: str
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home = WORK / self.name

    @property
    def kind(self) -> Kind:
        """How it is started."""
        return KINDS[self.name]

    @property
    def lock(self) -> Path:
        """Its packages, with hashes."""
        return HERE / "rivals" / self.name / "requirements.txt"

    @property
    def version(self) -> str:
        """As its lock says."""
        start = f"{self.name}=="
        return next(
            line.removeprefix(start).split()[0]
            for line in self.lock.read_text().splitlines()
            if line.startswith(start)
        )

    def prepare(self) -> None:
        """Make its environment, and see it run three steps."""
        if not self.lock.is_file():
            raise FailedError("its packages are not locked yet")
        self._bin = environment.environment(self.lock, PYTHON, f"train-{self.name}")
        self.fresh("noop", 3)
        self.run("noop", 3)

    def fresh(self, work: str, steps: int) -> None:
        """A pipeline of so many steps, none of which was ever run."""
        shutil.rmtree(self.home, ignore_errors=True)
        for name in ("out", "state"):
            (self.home / name).mkdir(parents=True)
        for source in (HERE / "rivals" / self.name / "pipeline.py", HERE / "rivals" / "work.py"):
            shutil.copy(source, self.home)
        for words in (self.kind.begin, self.kind.lay_out):
            if words:
                self._call(words, work, steps)

    def run(self, work: str, steps: int) -> Done:
        """Run it, and see that all steps wrote what they are to write."""
        done = self._call(self.kind.run, work, steps)
        self._check(work, steps)
        return done

    def again(self, work: str, steps: int) -> Done:
        """Run it once more with nothing changed."""
        if not self.kind.keeps:
            raise FailedError("it keeps no results between runs without further programming")
        done = self._call(self.kind.again or self.kind.run, work, steps)
        self._check(work, steps)
        return done

    def _check(self, work: str, steps: int) -> None:
        ending = {"noop": "txt", "train": "npy"}[work]
        wrote = len(list((self.home / "out").glob(f"*.{ending}")))
        if wrote != steps:
            raise FailedError(f"{wrote} of {steps} steps wrote their file")

    def _call(self, words: tuple[str, ...], work: str, steps: int) -> Done:
        filled = [word.replace("{work}", work).replace("{steps}", str(steps)) for word in words]
        first = self._bin / "bin" / filled[0]
        return program.run(
            [first, *filled[1:]], cwd=self.home, env=self._surroundings(), timeout=LONGEST,
            memory=True,
        )  # fmt: skip

    def _surroundings(self) -> dict[str, str]:
        """The environment: nothing of it is told to anybody, all state is in its folder."""
        state = str(self.home / "state")
        path = f"{self._bin / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {
            "PATH": path,
            "HOME": state,
            "USER": "bench",
            "METAFLOW_USER": "bench",
            "PREFECT_HOME": state,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
            "DAGSTER_HOME": state,
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "DVC_NO_ANALYTICS": "1",
            "DO_NOT_TRACK": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }


PROJECT = """\
name = "bench"

[image]
requirements = "requirements.txt"

[steps.step]
run = "{run}"
writes = {{ file = "{file}" }}
code = ["work.py"]
params = {{ n = 0 }}
matrix = {{ n = [{numbers}] }}
"""
COMMANDS = {
    "noop": ("echo {n} > out/n.txt", "out/n.txt"),
    "train": ("python work.py train {n} && mv out/{n}.npy out/n.npy", "out/n.npy"),
}


class Ours:
    """Sealift: `sealift train`, each step in a container of its own."""

    name, version = "ours", ""

    def __init__(self, home: Path = WORK / "ours") -> None:
        self.home = home
        self._bin = Path(sys.prefix) / "bin" / "sealift"

    def prepare(self) -> None:
        """Have the image of the steps at hand, as the rivals have their environments."""
        self.home.mkdir(parents=True, exist_ok=True)
        # else the project is in a folder that the repository around it ignores
        program.run(["git", "init", "--quiet"], cwd=self.home)
        shutil.copy(HERE / "rivals" / "work.py", self.home)
        (self.home / "requirements.txt").write_text("numpy\n")
        self.run("noop", 3)

    def write(self, work: str, steps: int) -> None:
        """Write the project file."""
        run, file = COMMANDS[work]
        numbers = ", ".join(str(number) for number in range(1, steps + 1))
        text = PROJECT.format(run=run, file=file, numbers=numbers)
        (self.home / "sealift.toml").write_text(text)

    def fresh(self, work: str, steps: int) -> None:
        """A pipeline of so many steps, none of which was ever run: the records are gone."""
        self.write(work, steps)
        for path in (self.home / ".sealift").glob("ledger.db*"):
            path.unlink()
        shutil.rmtree(self.home / ".sealift" / "runs", ignore_errors=True)

    def run(self, work: str, steps: int) -> Done:
        """Train, from the start of the command to its end."""
        self.write(work, steps)
        return program.run([self._bin, "train"], cwd=self.home, timeout=LONGEST, memory=True)

    again = run


__all__ = ["KINDS", "Ours", "Rival"]
