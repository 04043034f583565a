"""A registry on the loopback interface: the distribution's docker-registry, with empty storage."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.program import FailedError, size_of
from sealift import clock, loopback, process

CONFIGURATION = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-the-benchmarks}}
"""
PATIENCE = 20.0


@dataclass(frozen=True)
class Registry:
    """A registry that runs: its address, and the folder that it keeps everything in."""

    host: str
    storage: Path

    @property
    def stored(self) -> int:
        """The bytes of all blobs that were pushed and kept."""
        return size_of(self.storage / "docker" / "registry" / "v2" / "blobs")


@contextlib.contextmanager
def registry(work: Path) -> Iterator[Registry]:
    """Start a registry with empty storage in ``work``; it ends with the block."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    port = loopback.free_port()
    settings, storage = work / "registry.yml", work / "storage"
    settings.write_text(CONFIGURATION.format(root=storage, port=port))
    child = process.spawn(["docker-registry", "serve", settings], log=work / "registry.log")
    try:
        deadline = clock.monotonic() + PATIENCE
        while loopback.get(port, "/v2/") is None:
            if child.poll() is not None or clock.monotonic() > deadline:
                raise FailedError("docker-registry does not start")
            clock.sleep(0.02)
        yield Registry(f"127.0.0.1:{port}", storage)
    finally:
        process.end(child.pid, process.started(child.pid), 5.0)
        child.wait()
        shutil.rmtree(work, ignore_errors=True)


__all__ = ["Registry", "registry"]
