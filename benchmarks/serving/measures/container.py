"""The same image in the same engine: our server, and onnxruntime with the model and no server."""

from __future__ import annotations

from benchmarks.result import Result, result
from benchmarks.serving.closed import closed
from benchmarks.serving.field import Field, Table, say
from benchmarks.serving.packaged import packaged
from benchmarks.serving.subject import as_json

START = "start of the container to the first right answer"
MEMORY = "memory after load, one worker in a container"
BASE = "import onnxruntime and load the model"
FACTOR = 1.3
STARTS = 3
"""Starts for each sample of load: they are short."""


def measure(field: Field) -> list[Result]:
    """Seconds and memory of images as they are by default, and of images without bytecode."""
    return [*of_images(field, bytecode=True), *of_images(field, bytecode=False)]


def of_images(field: Field, *, bytecode: bool) -> list[Result]:
    """The two take turns; a first round that is not kept fills the page cache."""
    say(f"  packaging the model with{'' if bytecode else 'out'} bytecode")
    image = packaged(field.made, bytecode=bytecode)
    table = Table()
    for number in range(1 + STARTS * field.repeats):
        with image.served() as server:
            seen = server.seconds
        base = image.reference()
        if number:
            table.add(START, "ours", seen)
            table.add(START, BASE, base.seconds)
            table.add(MEMORY, BASE, base.memory / 1e6)
    for _ in range(field.repeats):
        with image.served() as server:
            request = as_json(server.subject, field.made.rows.first(1))
            closed(server, request, 32, field.seconds)
            table.add(MEMORY, "ours", server.memory / 1e6)
    how = "" if bytecode else ", image without bytecode"
    return [limited(field, table, START, "s", how), limited(field, table, MEMORY, "MB", how)]


def limited(field: Field, table: Table, name: str, unit: str, how: str) -> Result:
    """A measure whose limit is a multiple of what loading alone takes in the same container."""
    base = table.middle(name, BASE)
    return result(
        f"{name}{how}", table.of(name), field.where, unit=unit,
        limit=FACTOR * base if base else None,
        rule=f"{FACTOR} of importing onnxruntime and loading the model in that container",
    )  # fmt: skip


__all__ = ["measure"]
