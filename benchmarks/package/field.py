"""Everything that one run measures: ours, the rivals that can run here, and why others cannot."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.package import builders
from benchmarks.package.builders import Builder
from benchmarks.package.dockerfiles import Dockerfile
from benchmarks.package.ours import Ours
from benchmarks.package.packagers import Bentoml, Mlflow
from benchmarks.package.places import WORK
from benchmarks.package.registry import Registry, registry
from benchmarks.package.subject import Subject
from benchmarks.program import FailedError
from benchmarks.result import Where
from sealift import clock

Measured = dict[str, list[float]]


@dataclass
class Field:
    """Who is measured; ``absent`` has the reason for each rival that is not."""

    ours: Ours
    registry: Registry
    repeats: int
    where: Where
    rivals: list[Subject] = field(default_factory=list)
    builders: dict[str, Builder] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def subjects(self) -> list[Subject]:
        """All who are measured, ours first."""
        return [self.ours, *self.rivals]

    @property
    def versions(self) -> dict[str, str]:
        """Who was measured in which version."""
        return {one.name: one.version for one in self.subjects}

    def rounds(self, subject: Subject, most: int = 100) -> range:
        """The samples to take of a subject: one of those that take minutes."""
        return range(1 if subject.slow else min(self.repeats, most))

    def each(self, measure: Callable[[Subject], list[float]]) -> tuple[Measured, dict[str, str]]:
        """The samples of everybody, and the reasons of those who failed at this."""
        samples: Measured = {}
        absent = dict(self.absent)
        for one in self.subjects:
            try:
                samples[one.name] = measure(one)
            except FailedError as error:
                absent[one.name] = str(error)
                say(f"{one.name}: {error}")
        return samples, absent

    def reference(self, subject: Subject, name: str, tag: str = "1") -> str:
        """Where a subject pushes an image; each has repositories of its own."""
        return f"{self.registry.host}/{self.repository(subject, name)}:{tag}"

    def repository(self, subject: Subject, name: str) -> str:
        """The same without the host and the tag."""
        owner = "".join(letter if letter.isalnum() else "-" for letter in subject.name)
        return f"{owner.replace('--', '-')}/{name}"


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    began = clock.monotonic()
    work()
    return clock.monotonic() - began


@contextlib.contextmanager
def everybody(repeats: int, rivals: Sequence[str]) -> Iterator[Field]:
    """Set everybody up; rivals that cannot run are left out, with the reason."""
    with ExitStack() as stack:
        shared = stack.enter_context(registry(WORK / "registry"))
        whole = Field(Ours(), shared, repeats, machine.where())
        say("preparing ours")
        whole.ours.prepare(whole.reference(whole.ours, "first"))
        for name, make in BUILDERS.items():
            if name in rivals or (name == "docker" and PACKAGERS.keys() & set(rivals)):
                _enter(stack, whole, name, make)
        for builder in [one for name, one in whole.builders.items() if name in rivals]:
            for installer in ("pip", "uv"):
                _join(whole, Dockerfile(builder, installer, whole.ours))
        for title in [one for one in PACKAGERS if one in rivals and "docker" in whole.builders]:
            _join(whole, PACKAGERS[title](whole.builders["docker"], whole.ours, title))
        whole.absent["cog"] = NO_COG
        yield whole


BUILDERS: dict[str, Callable[[], AbstractContextManager[Builder]]] = {
    "buildah": builders.buildah,
    "podman": builders.podman,
    "docker": builders.docker,
}
PACKAGERS: dict[str, Callable[[Builder, Ours, str], Subject]] = {
    "bentoml": Bentoml,
    "mlflow": Mlflow,
}
RIVALS = (*BUILDERS, *PACKAGERS)
NO_COG = "PyPI has its SDK alone; the program that builds is not in a registry of packages"


def _enter(
    stack: ExitStack, whole: Field, name: str, make: Callable[[], AbstractContextManager[Builder]]
) -> None:
    say(f"preparing {name}")
    try:
        whole.builders[name] = stack.enter_context(make())
    except FailedError as error:
        whole.absent[name] = str(error)
        say(f"{name}: {error}")


def _join(whole: Field, rival: Subject) -> None:
    say(f"preparing {rival.name}")
    try:
        rival.prepare(whole.reference(rival, "first"))
        whole.rivals.append(rival)
    except FailedError as error:
        whole.absent[rival.name] = str(error)
        say(f"{rival.name}: {error}")


def scratch(name: str) -> Path:
    """An empty folder for a measure."""
    folder = WORK / "scratch" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


__all__ = ["RIVALS", "Field", "Measured", "everybody", "say", "scratch", "seconds"]
