"""Whether the same input gives the same bytes, whoever builds it, where, and with what around."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import environment, program
from benchmarks.machine import REPOSITORY
from benchmarks.package.field import Field, say, scratch
from benchmarks.package.ours import Ours
from benchmarks.package.places import surroundings
from benchmarks.package.registry import Registry
from benchmarks.package.subject import Subject
from benchmarks.result import Result, result

PAIR = ("first", "cold")
OTHER_PYTHONS = ("3.12", "3.13")
USER = ("unshare", "--user", "--map-user=1234", "--map-group=1234")


@dataclass(frozen=True)
class Cell:
    """One circumstance: what stands before the command, around it, and which Python runs it."""

    name: str
    before: tuple[str, ...] = ()
    around: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    folder: str = "other"


CELLS = (
    Cell("another folder", folder="a deeper/and longer folder/than the first"),
    Cell("another user", before=USER),
    Cell("umask 077", before=("sh", "-c", 'umask 077; exec "$@"', "sh")),
    Cell("umask 000", before=("sh", "-c", 'umask 000; exec "$@"', "sh")),
    Cell("time zone", around={"TZ": "Asia/Tokyo"}),
    Cell("locale", around={"LC_ALL": "C", "LANG": "C"}),
    Cell("locale of UTF-8", around={"LC_ALL": "C.UTF-8"}),
    Cell("hash seed 1", around={"PYTHONHASHSEED": "1"}),
    Cell("hash seed 2", around={"PYTHONHASHSEED": "2"}),
    Cell("one core", before=("taskset", "--cpu-list", "0")),
    Cell("copies for links", around={"UV_LINK_MODE": "copy"}),
    Cell("another epoch", around={"SOURCE_DATE_EPOCH": "1"}),
)


def measure(field: Field) -> list[Result]:
    """The share of circumstances with the digest of the first build; of two builds for rivals."""
    samples: dict[str, list[float]] = {"ours": in_all(field)}
    absent = dict(field.absent)
    for rival in field.rivals:
        try:
            samples[rival.name] = [100.0 * (twice(rival, field) == 1)]
        except program.FailedError as error:
            absent[rival.name] = str(error)
    count = len(samples["ours"])
    rule = f"one digest in all {count} circumstances; rivals just build twice, in the same ones"
    return [
        result("builds with the same digest", samples, field.where, unit="%", better="more",
            limit=100.0, rule=rule, absent=absent)
    ]  # fmt: skip


def in_all(field: Field) -> list[float]:
    """100 for each circumstance with the right digest, 0 for each other."""
    wanted = build(field.ours.root, Cell("first"), field.registry)
    found = []
    for cell in (*CELLS, *pythons()):
        place = scratch("same") / cell.folder
        shutil.copytree(field.ours.root, place, symlinks=True)
        got = build(place, cell, field.registry)
        if got != wanted:
            say(f"{cell.name}: {got} instead of {wanted}")
        found.append(100.0 * (got == wanted))
    return found


def pythons() -> Iterator[Cell]:
    """A circumstance for each other version of Python that is on this machine."""
    lock = REPOSITORY / "requirements" / "dev.txt"
    for version in OTHER_PYTHONS:
        try:
            made = environment.environment(lock, version, f"python{version}")
        except program.FailedError as error:
            say(f"Python {version}: {error}")
            continue
        source = {"PYTHONPATH": str(REPOSITORY / "src")}
        yield Cell(f"Python {version}", around=source, python=made / "bin" / "python")


def build(root: Path, cell: Cell, registry: Registry) -> str:
    """The digest of the image that is built anew in a circumstance, as the registry has it."""
    ours = Ours(root)
    ours.forget()
    ours.forget_bytecode()  # else it would be compiled in the first circumstance alone
    words: list[str | Path] = [*cell.before, cell.python, "-m", "sealift", "package"]
    words += ["--to", f"{registry.host}/same:1"]
    program.run(words, cwd=root, env=surroundings(**cell.around))
    return registry.digest("same", "1")


def twice(rival: Subject, field: Field) -> int:
    """How many digests two builds of a rival without cached layers have.

    Where a cold build was measured in this run it is the second, the preparation the first.
    """
    try:
        found = {field.registry.digest(field.repository(rival, name), "1") for name in PAIR}
    except program.FailedError:
        found = set()
        for tag in ("1", "2"):
            rival.forget()
            rival.deliver(field.reference(rival, "same", tag))
            found.add(field.registry.digest(field.repository(rival, "same"), tag))
    return len(found)


__all__ = ["CELLS", "Cell", "measure"]
