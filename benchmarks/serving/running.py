"""A server that runs: from its start to its first right answer, to the end of all its processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.program import FailedError
from benchmarks.serving.places import WORK
from benchmarks.serving.subject import Request, Subject, labels
from sealift import clock, loopback, process

PATIENCE = 60.0
EVERY = 0.001
MARK = "SERVING_BENCHMARK"


@dataclass(frozen=True)
class Running:
    """A server that gives right answers; ``seconds`` passed from its start to the first one."""

    subject: Subject
    workers: int
    port: int
    grpc: int
    seconds: float
    mark: str

    @property
    def processes(self) -> list[int]:
        """All its processes, those too that left their parent."""
        return marked(self.mark)

    @property
    def memory(self) -> int:
        """Bytes that all its processes hold, shared pages counted once (PSS)."""
        return sum(proportional(pid) for pid in self.processes)


@contextlib.contextmanager
def running(
    subject: Subject, probe: Request, wanted: list[int] | None = None, workers: int = 1
) -> Iterator[Running]:
    """Start a server; all its processes end with the block. Raises ``FailedError``.

    It runs when the answer to ``probe`` has the labels ``wanted``; where none are, any good one.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK / "records", ignore_errors=True)
    mark = clock.token(20)
    ports = {name: loopback.free_port() for name in ("port", "grpc", "other")}
    places: dict[str, object] = {**ports, "workers": workers}
    log = WORK / "logs" / f"{subject.name.partition(' ')[0].lower()}-{workers}.log"
    log.unlink(missing_ok=True)
    more = {name: value.format(**places) for name, value in subject.variables.items()}
    words = [str(word).format(**places) for word in subject.words]
    began = clock.monotonic()
    env = {**os.environ, **more, MARK: mark}
    child = process.spawn(words, log=log, env=env, cwd=subject.cwd, detach=True)
    try:
        seconds = answering(ports["port"], probe, wanted, began, lambda: child.poll() is None, log)
        yield Running(subject, workers, ports["port"], ports["grpc"], seconds, mark)
    finally:
        end(child.pid, mark)
        child.wait()


def answering(
    port: int,
    probe: Request,
    wanted: list[int] | None,
    began: float,
    alive: Callable[[], bool],
    log: Path,
) -> float:
    """Ask every ms until the answer is right; seconds since ``began``. Raises ``FailedError``."""
    while not right(port, probe, wanted):
        if not alive() or clock.monotonic() > began + PATIENCE:
            raise FailedError(f"gave no right answer: {last(log)}")
        clock.sleep(EVERY)
    return clock.monotonic() - began


def right(port: int, request: Request, wanted: list[int] | None) -> bool:
    """Whether the answer has the labels; where none are wanted, whether there is one."""
    status, content = post(port, request)
    return status == 200 and (wanted is None or labels(content) == wanted)


def post(port: int, request: Request) -> tuple[int, bytes]:
    """Status and content of an answer; 0 where there is none."""
    connection = http.client.HTTPConnection(loopback.HOST, port, timeout=30)
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def end(pid: int, mark: str) -> None:
    """Ask the first process to end, and after five seconds kill all that are left."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)
    until = clock.monotonic() + 5.0
    while clock.monotonic() < until and marked(mark):
        clock.sleep(0.05)
    for one in marked(mark):
        with contextlib.suppress(OSError):
            os.kill(one, signal.SIGKILL)
    until = clock.monotonic() + 5.0
    while clock.monotonic() < until and marked(mark):
        clock.sleep(0.05)


def marked(mark: str) -> list[int]:
    """The processes that live with this mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and wanted in _content(folder / "environ")
    ]


def proportional(pid: int) -> int:
    """The memory of a process in bytes, each shared page divided by its sharers; 0 if gone."""
    for line in _content(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def last(log: Path) -> str:
    """The last words of a log."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return " / ".join(lines[-3:])[-400:] or "it said nothing"


def told(values: Mapping[str, str]) -> list[str]:
    """Headers as arguments: ``name:value``."""
    return [f"{name}:{value}" for name, value in values.items()]


__all__ = [
    "MARK",
    "Running",
    "answering",
    "last",
    "marked",
    "post",
    "proportional",
    "right",
    "running",
    "told",
]
