"""Programs of others that build an image from a Dockerfile, each with storage of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import program
from benchmarks.package import base
from benchmarks.package.places import WORK
from sealift import clock, process

_CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""
PATIENCE = 30.0


@dataclass(frozen=True)
class Builder:
    """A program with the command line of docker: ``words`` begin each of its commands.

    ``build`` and ``push`` are options of these commands, ``version`` is what it says of itself.
    """

    name: str
    words: tuple[str, ...]
    version: str
    env: dict[str, str] = field(repr=False)
    build_options: tuple[str, ...] = ()
    push_options: tuple[str, ...] = ()

    def run(self, *words: str | Path) -> str:
        """Run one of its commands and give what it printed. Raises ``FailedError``."""
        return program.run([*self.words, *words], env=self.env).output

    def build(self, context: Path, image: str, *, cold: bool = False) -> None:
        """Build the image of a folder with a Dockerfile; ``cold`` takes no layer from its cache."""
        anew = ("--no-cache",) if cold else ()
        self.run("build", "--quiet", *self.build_options, *anew, "--tag", image, context)

    def push(self, image: str, reference: str) -> None:
        """Send a built image to the registry on this machine."""
        self.run("tag", image, reference)
        self.run("push", *self.push_options, reference)


@contextlib.contextmanager
def buildah() -> Iterator[Builder]:
    """Buildah, whose isolation is a plain chroot: it runs where containers cannot be nested."""
    with _storage("buildah") as (where, env):
        words = ("buildah", *where)
        chroot = {**env, "BUILDAH_ISOLATION": "chroot"}
        version = program.run(["buildah", "--version"]).output.split()[2]
        quiet = ("--tls-verify=false", "--quiet")
        yield _with_base(Builder("buildah", words, version, chroot, ("--layers",), quiet))


@contextlib.contextmanager
def podman() -> Iterator[Builder]:
    """Podman, which builds in containers of runc."""
    with _storage("podman") as (where, env):
        words = ("podman", *where)
        version = program.run(["podman", "--version"]).output.split()[2]
        options = ("--network", "host", "--layers")
        quiet = ("--tls-verify=false", "--quiet")
        yield _with_base(Builder("podman", words, version, env, options, quiet))


@contextlib.contextmanager
def _storage(name: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Empty storage for one of the two that keep images as containers/storage does."""
    folder = WORK / name
    _clear(folder)
    (folder / "tmp").mkdir(parents=True)
    settings = folder / "containers.conf"
    settings.write_text(_CONTAINERS)
    env = {**os.environ, "CONTAINERS_CONF": str(settings), "TMPDIR": str(folder / "tmp")}
    try:
        yield ["--root", str(folder / "storage"), "--runroot", str(folder / "run")], env
    finally:
        _clear(folder)


def _clear(folder: Path) -> None:
    """Remove storage; what is mounted in it goes first."""
    if (folder / "storage").exists():
        where: program.Words = ["--root", folder / "storage", "--runroot", folder / "run"]
        with contextlib.suppress(program.FailedError):
            program.run(["podman", *where, "rmi", "--all", "--force"])
        with contextlib.suppress(program.FailedError):
            program.run(["umount", folder / "storage" / "overlay"])
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def docker() -> Iterator[Builder]:
    """A docker engine of its own, with BuildKit inside; it ends with the block."""
    folder = WORK / "docker"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    socket = f"unix://{folder}/socket"
    client = distribution_client()
    env = {**os.environ, "DOCKER_HOST": socket, "DOCKER_BUILDKIT": "1"}
    env |= {
        "DOCKER_CONFIG": str(folder / "config"),
        "PATH": f"{client.parent}:{os.environ['PATH']}",
    }
    words: list[str | Path] = [
        "dockerd",
        "--host",
        socket,
        "--pidfile",
        folder / "pid",
        "--exec-root",
        folder / "exec",
    ]
    words += [
        "--data-root",
        folder / "data",
        "--oom-score-adjust",
        "0",
        "--storage-driver",
        "overlay2",
    ]
    words += ["--default-ulimit", "nofile=1024:1024", "--default-ulimit", "nproc=1024:1024"]
    words += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false"]
    try:
        child = process.spawn([*words, "--ip-forward=false"], log=folder / "log")
    except OSError as error:
        raise program.FailedError("dockerd is not on this machine") from error
    try:
        told = _answer(client, env, folder / "log")
        options = ("--network", "host")
        yield _with_base(Builder("docker", (str(client),), told, env, options, ("--quiet",)))
    finally:
        process.end(child.pid, process.started(child.pid), 20.0)
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def distribution_client() -> Path:
    """The client that belongs to the engine: a newer one has no BuildKit without its plugin."""
    for folder in ("/usr/bin", *os.environ["PATH"].split(":")):
        if (Path(folder) / "docker").is_file():
            return Path(folder) / "docker"
    raise program.FailedError("docker is not on this machine")


def _answer(client: Path, env: dict[str, str], log: Path) -> str:
    """The version of the engine, once it answers."""
    deadline = clock.monotonic() + PATIENCE
    while True:
        try:
            asked: program.Words = [client, "version", "--format", "{{.Server.Version}}"]
            return program.run(asked, env=env).output.strip()
        except program.FailedError as error:
            if clock.monotonic() > deadline:
                last = " / ".join(log.read_text().splitlines()[-2:])
                raise program.FailedError(f"the engine does not start: {last}") from error
        clock.sleep(0.2)


def _with_base(builder: Builder) -> Builder:
    """The builder, once it holds the base image."""
    if builder.name == "buildah":
        for name in base.NAMES:
            builder.run("pull", "--quiet", f"docker-archive:{base.archive()}:{name}")
    else:
        builder.run("load", "--quiet", "--input", base.archive())
    return builder


__all__ = ["Builder", "buildah", "distribution_client", "docker", "podman"]
