"""A file of weights of 2 GB: memory, and speed beside programs that do nothing but their part."""

from __future__ import annotations

import sys

import msgspec

from benchmarks import program
from benchmarks.package.field import Field, scratch
from benchmarks.package.measures.changes import on_disk, weights
from benchmarks.package.places import surroundings
from benchmarks.result import Result, result

SIZE = 2_000_000_000
LIMIT = 200.0


def measure(field: Field) -> list[Result]:
    """Peak resident memory in MB, and MB a second, of keeping the weights and of pushing them."""
    path = weights(scratch("large") / "2GB.bin", SIZE, 2)
    copy = path.with_suffix(".copy")
    hashed = program.run(["sha256sum", path])
    copied = program.run(["sh", "-c", 'cp "$1" "$2" && sync "$2"', "sh", path, copy])
    copy.unlink()
    field.ours.set_weights(path)
    path.unlink()
    on_disk()
    words: program.Words = [sys.executable, "-m", "benchmarks.package.register", field.ours.root]
    kept = program.run(words, env=surroundings(), memory=True)
    target = field.reference(field.ours, "large")
    words = [sys.executable, "-m", "sealift", "package", "--to", target]
    pushed = program.run(words, cwd=field.ours.root, env=surroundings(), memory=True)
    speeds = {
        "ours": [speed(kept.seconds + pushed.seconds)],
        "ours, keeping alone": [speed(kept.seconds)],
        "ours, packaging and pushing alone": [speed(pushed.seconds)],
        "sha256sum": [speed(hashed.seconds)],
        "cp": [speed(copied.seconds)],
        "sha256sum and cp": [speed(hashed.seconds + copied.seconds)],
    }
    peaks = {"ours": [kept.peak / 1e6, pushed.peak / 1e6]}
    rule = "200 MB resident, the worse of the two processes"
    return [
        worst(result("2 GB of weights: peak memory", peaks, field.where, unit="MB",
            limit=LIMIT, rule=rule)),
        result("2 GB of weights: throughput", speeds, field.where, unit="MB/s", better="more"),
    ]  # fmt: skip


def speed(seconds: float) -> float:
    """Megabytes a second."""
    return SIZE / 1e6 / seconds


def worst(one: Result) -> Result:
    """The same result with the largest sample for a value: a peak has no median."""
    return msgspec.structs.replace(one, ours=max(one.samples["ours"]))


__all__ = ["measure"]
