"""The servers, each as its documentation says to start it, on free ports of the loopback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conformance import model
from benchmarks.environment import environment
from benchmarks.program import FailedError
from sealift import clock, loopback, process

RIVALS = Path(__file__).parent / "rivals"
PATIENCE = 120.0
DISTRIBUTION = Path("/usr/bin/python3.11")
"""The Python whose shared library Triton loads."""

PROJECTS = {
    "mlserver": "MLServer",
    "kserve": "KServe (Python SDK)",
    "pytriton": "PyTriton (Triton)",
}
PACKAGES = {"mlserver": "mlserver", "kserve": "kserve", "pytriton": "nvidia-pytriton"}


def place(name: str, interpreter: Path | None = None) -> Path:
    """The environment of a rival."""
    lock = RIVALS / name / "requirements.txt"
    return environment(lock, "3.11", f"conformance-{name}", interpreter=interpreter)


@dataclass(frozen=True)
class Address:
    """Where a server is: its address over HTTP, and HOST:PORT of its gRPC."""

    rest: str
    grpc: str


@contextmanager
def ours(scratch: Path) -> Iterator[Address]:
    """Sealift's own server, as it runs in an image."""
    http, grpc = (loopback.free_port() for _ in range(2))
    words = [sys.executable, "-m", "sealift.container", "serve", str(model.write(scratch / "m"))]
    more = {"SEALIFT_PORT": str(http), "SEALIFT_GRPC_PORT": str(grpc)}
    with running(words, scratch, (http, grpc), more) as address:
        yield address


@contextmanager
def mlserver(scratch: Path) -> Iterator[Address]:
    """MLServer with its defaults: one worker process."""
    made = place("mlserver")
    http, grpc, metrics = (loopback.free_port() for _ in range(3))
    settings = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics, "host": "127.0.0.1"}
    one = {"name": model.NAME, "implementation": "runtime.Mixed", "platform": "onnx_onnxv1"}
    (scratch / "settings.json").write_text(json.dumps(settings))
    (scratch / "model-settings.json").write_text(json.dumps({**one, **model.tensors()}))
    (scratch / "runtime.py").write_text((RIVALS / "mlserver" / "runtime.py").read_text())
    more = {"MODEL_FOLDER": str(model.write(scratch / "m")), "PYTHONPATH": str(scratch)}
    words = [str(made / "bin" / "mlserver"), "start", str(scratch)]
    with running(words, scratch, (http, grpc), more) as address:
        yield address


@contextmanager
def kserve(scratch: Path) -> Iterator[Address]:
    """KServe's server of models written in Python."""
    made = place("kserve")
    http, grpc = (loopback.free_port() for _ in range(2))
    words = [str(made / "bin" / "python"), str(RIVALS / "kserve" / "serve.py")]
    more = with_model(scratch, HTTP_PORT=http, GRPC_PORT=grpc)
    with running(words, scratch, (http, grpc), more) as address:
        yield address


@contextmanager
def pytriton(scratch: Path) -> Iterator[Address]:
    """Triton, as its wheel brings it; it loads the distribution's library of Python."""
    made = place("pytriton", DISTRIBUTION)
    http, grpc, metrics = (loopback.free_port() for _ in range(3))
    words = [str(made / "bin" / "python"), str(RIVALS / "pytriton" / "serve.py")]
    more = with_model(scratch, HTTP_PORT=http, GRPC_PORT=grpc, METRICS_PORT=metrics)
    with running(words, scratch, (http, grpc), more) as address:
        yield address


def with_model(scratch: Path, **ports: int) -> dict[str, str]:
    """The model and the ports, as variables."""
    folder = model.write(scratch / "m")
    return {"MODEL_FOLDER": str(folder), **{name: str(port) for name, port in ports.items()}}


@contextmanager
def running(
    words: list[str], scratch: Path, ports: tuple[int, int], more: Mapping[str, str]
) -> Iterator[Address]:
    """A server, from when its model is ready to the end of the block; ports of HTTP and gRPC."""
    log = scratch / "log"
    env = {"PATH": os.environ["PATH"], "HOME": str(scratch), **more}
    child = process.spawn(words, log=log, env=env, cwd=scratch, detach=True)
    try:
        await_model(child, ports[0], log)
        http, grpc = (f"{loopback.HOST}:{port}" for port in ports)
        yield Address(f"http://{http}", grpc)
    finally:
        end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started, which are a group of processes of their own."""
    for number, grace in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        process.wait(child, grace)


def await_model(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the model is ready. Raises ``FailedError`` with the end of the log."""
    until = clock.monotonic() + PATIENCE
    while clock.monotonic() < until:
        answer = loopback.get(port, f"/v2/models/{model.NAME}/ready")
        if answer is not None and answer.status == 200:
            return
        if process.wait(child, 0.2) is not None:
            break
    last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-4:])
    raise FailedError(f"it was not ready: {last[-600:]}")


def version(name: str) -> str:
    """The version of a rival that its lock has."""
    lines = (RIVALS / name / "requirements.txt").read_text().splitlines()
    head = f"{PACKAGES[name]}=="
    return next(line.split("==")[1].split()[0] for line in lines if line.startswith(head))


SERVERS: dict[str, Callable[[Path], AbstractContextManager[Address]]] = {
    "ours": ours,
    "mlserver": mlserver,
    "kserve": kserve,
    "pytriton": pytriton,
}
__all__ = ["PROJECTS", "SERVERS", "Address", "version"]
