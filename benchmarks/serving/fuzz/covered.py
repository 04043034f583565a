"""Inputs found by coverage: libFuzzer, by way of atheris, on the whole server in memory."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import program
from benchmarks.environment import environment
from benchmarks.machine import REPOSITORY
from benchmarks.program import FailedError
from benchmarks.serving.fuzz.seeds import seeds
from benchmarks.serving.places import HERE, WORK

PLACE = WORK / "atheris"
LONGEST = 4096
"""Bytes of the longest input."""

_LINE = re.compile(r"^#(\d+)\s.*cov: (\d+)", re.MULTILINE)
_DONE = re.compile(r"stat::number_of_executed_units: (\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb:\s*(\d+)")


@dataclass
class Covered:
    """How many inputs ran, how many branches they reached, what ended the run, peak memory."""

    count: int = 0
    branches: int = 0
    peak: int = 0
    faults: list[str] = field(default_factory=list)


def cover(model: Path, start: int, count: int) -> Covered:
    """Run so many inputs, unless one fails before. Raises ``FailedError`` without atheris."""
    home = environment(HERE / "fuzz" / "atheris" / "requirements.txt", "3.11", "serving-atheris")
    corpus, found = PLACE / "corpus", PLACE / "found"
    shutil.rmtree(PLACE, ignore_errors=True)
    for folder in (corpus, found):
        folder.mkdir(parents=True)
    for number, content in enumerate(beginnings()):
        (corpus / f"seed-{number}").write_bytes(content)
    words = [home / "bin" / "python", HERE / "fuzz" / "atheris" / "target.py"]
    more = [f"-runs={count}", f"-seed={start}", f"-max_len={LONGEST}", "-timeout=10"]
    more += ["-rss_limit_mb=2000", "-print_final_stats=1", f"-artifact_prefix={found}/"]
    log = PLACE / "log"
    env = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "MODEL": str(model)}
    script = 'exec "$@" 2>"$LOG"'
    argv: program.Words = ["sh", "-c", script, "sh", *words, *more, corpus]
    failed = ""
    try:
        program.run(argv, env={**env, "LOG": str(log)}, timeout=7200)
    except FailedError as error:
        failed = str(error)
    return _read(log.read_text(errors="replace"), failed, sorted(found.iterdir()))


def beginnings() -> Sequence[bytes]:
    """Inputs to begin with: the good requests in the order of the target's forms."""
    order = [0, 1, 2, 3, 4, 5, 6, 7]
    found = []
    for form, seed in zip(order, seeds(), strict=True):
        extra = int(seed.headers.get("inference-header-content-length", "0"))
        found.append(bytes([form]) + extra.to_bytes(2, "little") + seed.body)
    return found


def _read(told: str, failed: str, artifacts: list[Path]) -> Covered:
    lines = _LINE.findall(told)
    done, peak = _DONE.search(told), _PEAK.search(told)
    count = int(done[1]) if done else max((int(one) for one, _ in lines), default=0)
    faults = [f"{path.name}: {path.read_bytes()[:2000].hex()}" for path in artifacts]
    if failed and not faults:
        faults = [failed]
    branches = max((int(branches) for _, branches in lines), default=0)
    return Covered(count, branches, int(peak[1]) if peak else 0, faults)


__all__ = ["Covered", "beginnings", "cover"]
