"""A registry on the loopback interface: the distribution's docker-registry, with empty storage."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks import program
from benchmarks.program import FailedError, size_of
from sealift import clock, loopback, process

CONFIGURATION = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-the-benchmarks}}
"""
PATIENCE = 20.0
_KINDS = ("oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2")
_MANIFESTS = ", ".join(f"application/vnd.{kind}+json" for kind in _KINDS)


@dataclass(frozen=True)
class Registry:
    """A registry that runs: its address, and the folder that it keeps everything in."""

    host: str
    storage: Path

    def digest(self, repository: str, tag: str) -> str:
        """The digest of the manifest under a tag. Raises ``FailedError`` when there is none."""
        return str(self._get(repository, tag).headers["Docker-Content-Digest"])

    def manifest(self, repository: str, tag: str) -> dict[str, Any]:
        """The manifest of an image under a tag; of an index, that of its first image."""
        content: dict[str, Any] = self._get(repository, tag).json()
        if "manifests" in content:
            return self.manifest(repository, str(content["manifests"][0]["digest"]))
        return content

    def receive(self, path: Path, repository: str) -> float:
        """Seconds that the registry takes to receive a file as a blob, in one request."""
        asked = httpx.post(f"http://{self.host}/v2/{repository}/blobs/uploads/")
        place = asked.headers["Location"]
        mark = program.run(["sha256sum", path]).output.split()[0]
        joint = "&" if "?" in place else "?"
        words: program.Words = ["--silent", "--show-error", "--fail", "--upload-file", path]
        kind = ["--header", "Content-Type: application/octet-stream"]
        address = f"{place}{joint}digest=sha256:{mark}"
        return program.run(["curl", *kind, *words, address]).seconds

    def _get(self, repository: str, tag: str) -> httpx.Response:
        address = f"http://{self.host}/v2/{repository}/manifests/{tag}"
        try:
            answer = httpx.get(address, headers={"Accept": _MANIFESTS})
            return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise FailedError(f"the registry has no {repository}:{tag}: {error}") from error

    @property
    def stored(self) -> int:
        """The bytes of all blobs that were pushed and kept."""
        return size_of(self.storage / "docker" / "registry" / "v2" / "blobs")


def beside(reference: str, name: str) -> str:
    """The reference of another repository beside one: same registry, same tag.

    >>> beside("127.0.0.1:5000/docker/first:1", "base")
    '127.0.0.1:5000/docker/base:1'
    """
    place, _, tag = reference.rpartition(":")
    return f"{place.rpartition('/')[0]}/{name}:{tag}"


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


__all__ = ["Registry", "beside", "registry"]
