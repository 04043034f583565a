"""Sealift's own server of a model folder, as a process on a free port."""

import contextlib
import os
import subprocess
import sys
import time

from sealift import loopback


class Serving:
    """``with`` gives its address once it is ready, and ends it."""

    def __init__(self, model, folder):
        self.port, self.rpc_port = loopback.free_port(), loopback.free_port()
        self.grpc = f"127.0.0.1:{self.rpc_port}"
        self.log = folder / "server.log"
        self.model = model
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sealift.container", "serve", str(self.model)],
                env={
                    **os.environ,
                    "SEALIFT_PORT": str(self.port),
                    "SEALIFT_GRPC_PORT": str(self.rpc_port),
                    "HOME": "/tmp",
                },
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            answer = loopback.get(self.port, "/v2/health/ready")
            if answer is not None and answer.status == 200:
                return f"http://127.0.0.1:{self.port}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.__exit__()
        raise AssertionError(self.log.read_text())

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
