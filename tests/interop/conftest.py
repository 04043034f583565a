"""What the tools of others work on: a packaged model, a registry with it, and engines."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import interop_image
import pytest

import registry_programs
from programs import needs, needs_root
from sealift import clock, process
from sealift.adapters.registries.push import push

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""
CONTAINERD = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/grpc"
[ttrpc]
address = "{folder}/ttrpc"
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A packaged model."""
    root = tmp_path_factory.mktemp("sums") / "project"
    yield interop_image.make(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def repository(made, tmp_path_factory):
    """Where it is in a registry: all its faces, under the tags 3, 3-volume and 3-model."""
    folder = tmp_path_factory.mktemp("registry")
    child, host = registry_programs.start(folder)
    tags = {tag: one.digest for tag, one in made.faces.beside("3").items()}
    push(made.store, made.faces.index.digest, f"{host}/team/sums:3", beside=tags)
    yield f"{host}/team/sums"
    child.kill()
    child.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tool():
    """A function that runs a tool of the containers family, with a storage of its own."""
    # podman takes no longer path than 50 characters for what runs
    folder = Path(tempfile.mkdtemp(prefix="containers-"))
    (folder / "containers.conf").write_text(CONTAINERS_CONF)
    settings = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "BUILDAH_ISOLATION": "chroot",
        "HOME": str(folder),
    }

    def call(program, *words, check=True):
        needs(program)
        needs("runc")
        stores = ["--root", folder / "root", "--runroot", folder / "run"]
        words = [program, *(stores if program in ("podman", "buildah") else []), *words]
        return said(words, {**os.environ, **settings}, check=check)

    yield call
    for program, words in (("buildah", ["rm", "--all"]), ("podman", ["rm", "--all", "--force"])):
        if shutil.which(program):
            call(program, *words, check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ctr(tmp_path_factory):
    """A function that runs containerd's client; its daemon is of these tests alone."""
    needs("containerd")
    needs("runc")
    needs_root()
    folder = tmp_path_factory.mktemp("containerd")
    (folder / "config.toml").write_text(CONTAINERD.format(folder=folder))
    words = ["containerd", "--config", folder / "config.toml"]
    child = process.spawn(words, log=folder / "log")

    def call(*words, check=True):
        return said(["ctr", "--address", folder / "grpc", *words], os.environ, check=check)

    for _ in range(200):
        if child.poll() is not None or "server:" in call("version", check=False).lower():
            break
        clock.sleep(0.05)
    assert child.poll() is None, (folder / "log").read_text()
    yield call
    child.terminate()
    child.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


def said(words, env, *, check=True):
    """What a program writes; it has to succeed if ``check``."""
    done = subprocess.run(
        [str(one) for one in words], capture_output=True, text=True, env=env, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()
