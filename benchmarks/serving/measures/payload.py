"""What a request weighs: the same rows as bytes instead of JSON, and ten megabytes of them."""

from __future__ import annotations

import numpy as np

from benchmarks.program import FailedError
from benchmarks.result import Result, result
from benchmarks.serving import entrants
from benchmarks.serving.closed import closed
from benchmarks.serving.field import Field, Table
from benchmarks.serving.running import Running, post, running
from benchmarks.serving.subject import as_binary, as_json

BINARY = "32 rows as binary tensors, 32 connections"
BESIDE = "ours, the same rows in JSON"
BIG = "a tensor of 10 MB, 1 connection: median"
WIDE = 625
BIG_ROWS = 4000


def measure(field: Field) -> list[Result]:
    """Binary beside JSON, and a large tensor beside reading as many bytes."""
    return [binary(field), large(field)]


def binary(field: Field) -> Result:
    """Requests a second of all who take binary tensors."""
    table = Table()

    def load(server: Running) -> None:
        name, rows = server.subject.name, field.made.rows
        asked = as_binary(server.subject, rows.values)
        wanted = np.asarray(rows.labels, "<i8").tobytes()
        status, content = post(server.port, asked)
        if status != 200 or wanted not in content:
            raise FailedError(f"takes no binary tensors: status {status}, {content[:80]!r}")
        for _ in range(field.repeats):
            table.add(BINARY, name, closed(server, asked, 32, field.seconds).rate)
            if name == "ours":
                again = as_json(server.subject, rows)
                table.add(BINARY, BESIDE, closed(server, again, 32, field.seconds).rate)

    subjects = [one for one in (field.ours, *field.rivals) if one.dialect == "protocol"]
    absent = field.each(subjects, load)
    json = table.middle(BINARY, BESIDE)
    return result(
        BINARY, table.of(BINARY), field.where, unit="/s", better="more", absent=absent,
        limit=2 * json if json else None, rule="twice our own JSON",
    )  # fmt: skip


def large(field: Field) -> Result:
    """Milliseconds for a tensor of 10 MB, whose columns are added up and no more."""
    table = Table()
    values = np.resize(field.made.rows.values, (BIG_ROWS, WIDE))
    reading = entrants.ceiling("read", "reading the body")
    for subject in (entrants.summing(field.made.ours_sum), reading):
        asked = as_binary(subject, values)
        with running(subject, asked) as server:
            for _ in range(field.repeats):
                table.add(BIG, subject.name, closed(server, asked, 1, field.seconds).p50)
    least = table.middle(BIG, reading.name)
    return table.latency(
        BIG, field.where, {}, limit=1.5 * least if least else None, rule="1.5 x reading the body"
    )


__all__ = ["measure"]
