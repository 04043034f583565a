"""Real processes: learning, and a server on a free port of the loopback interface."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import toy_models as models

from sealift import container

SOURCE = Path(__file__).parents[2] / "src"


def environment(**more):
    """The environment of a container."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "HOME": "/tmp"}
    return own | {"SEALIFT_WORKERS": "1"} | more


def learn(source, target, check=True):
    """What the learning container does; its status and the lines it logged."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = container.main(["learn", str(source), str(target)])
    assert not check or status == 0, said.getvalue()
    return status, [json.loads(line) for line in said.getvalue().splitlines()]


def build(folder, model, table, **settings):
    """Learn as the container does, and lay out a model folder as the image has it."""
    source, target = folder / "in", folder / "model"
    model(source / "model" / "model.onnx")
    table(source / "table")
    models.settings(source / "settings.json", **settings)
    learn(source, target)
    (target / "model.onnx").write_bytes((source / "model" / "model.onnx").read_bytes())
    (target / "model.json").write_text(json.dumps({"name": "toy", "version": 3, "run": "r1"}))
    return target


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A server process; ``with`` ends it."""

    def __init__(self, model, log, records=None, grpc=False, **settings):
        self.port = free_port()
        self.grpc = free_port() if grpc else 0
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        extra = {} if records is None else {"SEALIFT_RECORDS": str(records)}
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sealift.container", "serve", str(model)],
                env=environment(
                    **{
                        "SEALIFT_PORT": str(self.port),
                        "SEALIFT_GRPC_PORT": str(self.grpc),
                        "SEALIFT_IMAGE": "sha256:" + "ab" * 32,
                        **extra,
                        **settings,
                    }
                ),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def client_of(self):
        """A further client."""
        return httpx.Client(base_url=self.url, timeout=60)

    def ready(self, patience=60.0):
        """Wait for readiness; the server itself."""
        self.wait_for(lambda: self.client.get("/v2/health/ready").status_code == 200, patience)
        return self

    def wait_for(self, condition, patience=60.0):
        """Wait until a condition holds; refused connections do not count."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if condition():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not within {patience} s: {self.log.read_text()}")

    def events(self):
        """What it logged; every line is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def post(self, body, path="/predict", **headers):
        """A body (bytes as they are, else as JSON) to a path."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            path, content=content, headers={"content-type": "application/json", **headers}
        )

    def terminate(self, patience=60.0):
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)
