"""gRPC load by h2load, which sends one encoded request over and over on HTTP/2 connections.

A client in Python would be slower than the servers. h2load counts answers of HTTP; that they are
good is seen before, from one that is decoded.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import program
from benchmarks.program import FailedError
from benchmarks.serving.arrivals import percentile
from benchmarks.serving.closed import Closed
from benchmarks.serving.places import WORK
from benchmarks.serving.running import Running
from benchmarks.serving.subject import Rows
from sealift import clock

METHOD = "/inference.GRPCInferenceService/ModelInfer"
HEADERS = ("content-type: application/grpc", "te: trailers")
PATIENCE = 20.0


def message(values: NDArray[np.float32]) -> bytes:
    """A ``ModelInferRequest`` with the rows as raw bytes, and the five bytes of its length."""
    shape = b"".join(_varint(size) for size in values.shape)
    tensor = _field(1, b"X") + _field(2, b"FP32") + _field(3, shape)
    content = _field(1, b"digits") + _field(5, tensor) + _field(7, values.astype("<f4").tobytes())
    return struct.pack(">BI", 0, len(content)) + content


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def grpc(server: Running, rows: Rows, connections: int, seconds: float) -> Closed:
    """Load for so many seconds. Raises ``FailedError`` where answers were not good."""
    body, log = WORK / "message", WORK / "h2load.log"
    body.write_bytes(message(rows.values))
    address = f"http://127.0.0.1:{server.grpc}{METHOD}"
    _proven(address, body, rows.labels)
    log.unlink(missing_ok=True)
    headers = [word for line in HEADERS for word in ("-H", line)]
    load = ["-t1", f"-c{connections}", "-m1", f"-D{max(1, round(seconds))}"]
    words: program.Words = ["h2load", *load, *headers, "-d", body, f"--log-file={log}", address]
    said = program.run(words, timeout=seconds + 60).output
    good = re.search(r"(\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said)
    rate = re.search(r"finished in [^,]*, ([\d.]+) req/s", said)
    if not good or not rate or not int(good[1]) or any(int(good[one]) for one in (2, 3, 4)):
        raise FailedError(f"h2load saw bad answers: {' '.join(said.split())[-200:]}")
    times = [int(line.split()[2]) / 1e3 for line in log.read_text().splitlines()]
    log.unlink()
    p50, p99, p999 = (percentile(times, share) for share in (0.5, 0.99, 0.999))
    return Closed(float(rate[1]), p50, p99, p999)


def _proven(address: str, body: Path, labels: list[int]) -> None:
    """One answer has the right labels, somewhere among its bytes, within a while."""
    words: program.Words = ["--silent", "--http2-prior-knowledge", "--data-binary", f"@{body}"]
    headers = [word for line in HEADERS for word in ("-H", line)]
    answer = WORK / "answer"
    wanted = np.asarray(labels, "<i8").tobytes()
    until = clock.monotonic() + PATIENCE
    while clock.monotonic() < until:
        answer.unlink(missing_ok=True)
        try:
            program.run(["curl", *words, *headers, "--output", answer, address])
        except FailedError as error:
            reason = str(error)
        else:
            content = answer.read_bytes() if answer.exists() else b""
            if wanted in content or bytes(labels) in content:  # raw, or packed varints
                return
            reason = f"the answer has not the right labels: {content[:100]!r}"
        clock.sleep(0.2)
    raise FailedError(f"no right answer by gRPC: {reason}")


__all__ = ["grpc", "message"]
