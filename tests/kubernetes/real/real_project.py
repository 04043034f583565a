"""Projects of the tests: copies with a name of their own, and what their user types."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from real_cluster import until

from project_on_disk import ProjectOnDisk

HERE = Path(__file__).parent


class RealProject(ProjectOnDisk):
    """A project called ``name``, made of ``source`` below ``folder``."""

    def __init__(self, source, folder, name, place) -> None:
        super().__init__(folder)
        self.name = name
        self.place = place
        shutil.copytree(HERE / source, folder)
        written = (HERE / source / "sealift.toml").read_text()
        file = folder / "sealift.toml"
        file.write_text(f'name = "{name}"\n{written}{place.environment(name)}')
        if source == "slopes":
            points(folder / "data" / "points.csv")

    @property
    def host(self) -> str:
        """The host name that the service answers to."""
        return self.place.host(self.name)

    def certify(self, version) -> None:
        """Package a version, push it, and check it."""
        self.run("package", "--push", "--model", str(version))
        self.run("check", "--model", str(version))

    def served(self, version, *words):
        """Bring a version into service at once; what the command answers."""
        plan = ("--strategy", "blue-green", "--json")
        return self.run("release", "--env", "production", "-m", str(version), *plan, *words)

    def there(self):
        """What `sealift status` answers."""
        return self.answer("status", "--env", "production")

    def shares(self):
        """The versions that get requests, with their parts of 1000."""
        return {one["model"]: one["weight"] for one in self.there()["versions"] if one["weight"]}

    def begun(self, *words, **variables):
        """A command in a process group of its own; ``said`` and ``ended`` tell of it."""
        return Begun(self.root, words, variables)


class Begun:
    """A command at work: what it says is in a file."""

    def __init__(self, root, words, variables) -> None:
        self.file = root.parent / f"{root.name}-{time.monotonic_ns()}.log"
        with self.file.open("wb") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "sealift", *words],
                cwd=root,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | variables,
                start_new_session=True,
            )

    def __enter__(self) -> "Begun":
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.kill()

    @property
    def said(self) -> str:
        """All that it said until now."""
        return self.file.read_text(errors="replace")

    def until(self, text) -> None:
        """Wait until it says something."""
        until(
            lambda: text in self.said or self.child.poll() is not None,
            repr(text),
            lambda: self.said,
        )
        assert text in self.said, self.said

    def ended(self) -> int:
        """Wait for its end; its exit status."""
        return self.child.wait(timeout=240)

    def kill(self) -> None:
        """End it and all its children with SIGKILL."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(timeout=60)

    def interrupt(self) -> int:
        """What Ctrl-C does; its exit status."""
        os.killpg(self.child.pid, signal.SIGINT)
        return self.ended()


def points(file) -> None:
    """A line with a little noise, the same each time."""
    chance = random.Random(7)
    rows = [(number * 12.5 + 0.25, chance.gauss(0, 5)) for number in range(400)]
    file.parent.mkdir()
    file.write_text("x,y\n" + "".join(f"{x},{3 * x + 1 + noise:.3f}\n" for x, noise in rows))
