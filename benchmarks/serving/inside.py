"""The processor time of a request inside the server, without sockets and other processes.

``python -m benchmarks.serving.inside MODEL NAME ROWS.json [FILTER]`` asks the server in memory, its
log of predictions on, and tells the best of several rounds in microseconds for each form of
request, beside the model's own time. What others do on the machine hardly shows in it.
"""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.serving.fuzz.memory import Memory, posted
from benchmarks.serving.subject import Rows, Subject, as_binary, as_json
from sealift.serve.artifact import read
from sealift.serve.recorder import Recorder
from sealift.serve.tensors import Row

ROUNDS = 15
SECONDS = 0.1


def best(taken: Callable[[int], float]) -> float:
    """Microseconds of a call, of which ``taken`` tells the seconds of so many: the best of all."""
    count, seconds = 1, 0.0
    while seconds < SECONDS / 4:
        count *= 2
        seconds = taken(count)
    count = max(1, int(count * SECONDS / seconds))
    return min(taken(count) / count for _ in range(ROUNDS)) * 1e6


def alone(memory: Memory, rows: Rows, count: int) -> float:
    """Seconds that the model takes for the rows, so many times."""
    part: list[Row] = [tuple(row) for row in rows.values.tolist()]
    feeds, run = memory.certified.packer.pack(part), memory.certified.model.run
    began = time.process_time()
    for _ in range(count):
        run(feeds)
    return time.process_time() - began


def requests(name: str, rows: Rows, names: list[str]) -> dict[str, bytes]:
    """A request of each form."""
    path = f"/v2/models/{name}/infer"
    subject = Subject("ours", [], path, "protocol", Path())
    one = rows.first(1)
    kind = {"content-type": "application/json"}

    def named(part: Rows) -> bytes:
        told = [dict(zip(names, row, strict=True)) for row in part.values.tolist()]
        return posted("/predict", kind, json.dumps({"rows": told}).encode())

    found = {
        "1 row, tensor in JSON": as_json(subject, one),
        "32 rows, tensor in JSON": as_json(subject, rows),
        "1 row, binary": as_binary(subject, one.values),
        "32 rows, binary": as_binary(subject, rows.values),
    }
    told = {form: posted(one.path, dict(one.headers), one.body) for form, one in found.items()}
    return told | {"1 row by name": named(one), "32 rows by name": named(rows)}


def say(what: str, micros: float) -> None:
    """One line."""
    sys.stdout.write(f"{what:30}{micros:9.2f} us\n")
    sys.stdout.flush()


def main(folder: Path, name: str, table: Path, wanted: str = "") -> None:
    """Measure all forms, or those with ``wanted`` in their names."""
    artifact = read(folder)
    names = [field.name for field in artifact.contract.fields]
    given = json.loads(table.read_text())
    rows = Rows(np.asarray(given["rows"], np.float32), given["labels"])
    with tempfile.TemporaryDirectory() as records:
        recorder = Recorder(Path(records), names=names, version=1, rate=2000.0)
        memory = Memory(folder, recorder)
        for count in (1, len(rows.values)):
            part = rows.first(count)
            say(f"the model alone, rows: {count}", best(functools.partial(alone, memory, part)))
        for form, request in requests(name, rows, names).items():
            if wanted not in form:
                continue
            answer = memory.asked(request)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{form}: {answer[:300]!r}")
            say(form, best(functools.partial(memory.seconds, request)))
        recorder.close()
        memory.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])


__all__ = ["best", "main", "requests"]
