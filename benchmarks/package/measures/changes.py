"""A change of weights only, and a change of code only: time, and bytes that the registry gets."""

from __future__ import annotations

import os
import random
from pathlib import Path

from benchmarks import program
from benchmarks.package.field import Field, scratch, seconds
from benchmarks.package.places import WORK
from benchmarks.package.registry import registry
from benchmarks.package.subject import Subject
from benchmarks.result import Result, result, summary

SIZES = {"250 kB": 250_000, "500 MB": 500_000_000}
LARGE = 10_000_000
"""From here on, one sample of each rival has to do."""
_PIECE = 1 << 20


def weights(path: Path, size: int, seed: int) -> Path:
    """A file of random bytes: weights do not compress."""
    source = random.Random(seed)  # noqa: S311 - has to repeat, not to be secret
    with path.open("wb") as file:
        for start in range(0, size, _PIECE):
            file.write(source.randbytes(min(_PIECE, size - start)))
    return path


def plain_work(path: Path) -> float:
    """Seconds that sha256sum and cp, with the bytes on the disk at the end, take together."""
    on_disk()
    copy = path.with_suffix(".copy")
    hashed = program.run(["sha256sum", path]).seconds
    copied = program.run(["sh", "-c", 'cp "$1" "$2" && sync "$2"', "sh", path, copy]).seconds
    copy.unlink()
    return hashed + copied


def on_disk() -> None:
    """Wait until all that was written lies on the disk, so that no sample pays for another's."""
    os.sync()


def measure(field: Field) -> list[Result]:
    """Both changes."""
    found = [one for label, size in SIZES.items() for one in weights_only(field, label, size)]
    return [*found, *code_only(field)]


def weights_only(field: Field, label: str, size: int) -> list[Result]:
    """Seconds from a new file of weights to an image in the registry."""
    folder = scratch(f"weights-{size}")
    repeats = field.repeats if size < LARGE else min(field.repeats, 3)
    files = [weights(folder / f"{seed}.bin", size, seed) for seed in range(repeats)]
    plain = [plain_work(path) for path in files]
    with registry(WORK / "bare") as bare:
        received = []
        for path in files:
            on_disk()
            received.append(bare.receive(path, "bare"))
    sent: dict[str, list[float]] = {}

    def rounds(subject: Subject) -> list[float]:
        most = 1 if size > LARGE and subject is not field.ours else len(files)
        return [once(subject, files[number]) for number in field.rounds(subject, most)]

    def once(subject: Subject, path: Path) -> float:
        subject.set_weights(path)
        before = field.registry.stored
        reference = field.reference(subject, "weights", f"{size}-{path.stem}")
        on_disk()
        took = seconds(lambda: subject.deliver(reference))
        sent.setdefault(subject.name, []).append((field.registry.stored - before) / 1e6)
        return took

    def alone(path: Path) -> float:
        field.ours.set_weights(path)
        on_disk()
        return seconds(field.ours.build)

    samples, absent = field.each(rounds)
    built = {field.ours.name: [alone(path) for path in files]}
    for path in files:
        path.unlink()
    rule = "1.5 times sha256sum and cp of the same bytes, in the same run"
    title = f"change of weights only, {label}"
    floor = [one + other for one, other in zip(plain, received, strict=True)]
    beside = {"sha256sum and cp": plain, "sha256sum, cp, and an upload by curl": floor}
    beside["the upload by curl alone"] = received
    whole = samples | beside
    limit = 1.5 * summary(plain) if size > LARGE else None
    timed = result(f"{title}: build and push", whole, field.where, limit=limit,
        rule=rule if limit else "", absent=absent)  # fmt: skip
    short = result(f"{title}: build alone", built | {"sha256sum and cp": plain}, field.where,
        limit=limit, rule=rule if limit else "")  # fmt: skip
    pushed = result(f"{title}: bytes pushed", sent, field.where, unit="MB", absent=absent)
    return [short, timed, pushed]


def code_only(field: Field) -> list[Result]:
    """Seconds from a changed line of code to an image in the registry, and what was sent."""
    sent: dict[str, list[float]] = {}

    def rounds(subject: Subject) -> list[float]:
        return [once(subject, number) for number in field.rounds(subject)]

    def once(subject: Subject, number: int) -> float:
        subject.set_code(number)
        before = field.registry.stored
        took = seconds(lambda: subject.deliver(field.reference(subject, "code", str(number))))
        sent.setdefault(subject.name, []).append((field.registry.stored - before) / 1e3)
        return took

    samples, absent = field.each(rounds)
    title = "change of code only"
    return [
        result(f"{title}: build and push", samples, field.where, limit=1.0,
            rule="under a second", absent=absent),
        result(f"{title}: bytes pushed", sent, field.where, unit="kB", limit=1000.0,
            rule="kilobytes", absent=absent),
    ]  # fmt: skip


__all__ = ["code_only", "measure", "on_disk", "plain_work", "weights", "weights_only"]
