"""Registries to talk to: one in this process that misbehaves, and Debian's, a child process."""

import pytest

import registry_programs
from registry_programs import QUICK
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.testing.registry import Faults, RegistryServer


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder without credentials, a cache of its own, and no proxies."""
    monkeypatch.setenv("SEALIFT_CACHE", str(tmp_path / "cache"))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "home"


@pytest.fixture
def access():
    """Quick retries."""
    return Access(retry=QUICK)


@pytest.fixture
def faults():
    """The faults of ``server``, to be set by the test."""
    return Faults()


@pytest.fixture
def server(faults):
    """A registry in this process."""
    with RegistryServer(faults) as running:
        yield running


@pytest.fixture
def make_store(tmp_path):
    """A function from a name to an empty store."""
    return lambda name: Layout(tmp_path / name / "layout", tmp_path / name / "unpacked")


@pytest.fixture
def store(make_store):
    """An empty store to push from."""
    return make_store("from")


@pytest.fixture
def other(make_store):
    """An empty store to pull to."""
    return make_store("to")


@pytest.fixture(scope="session")
def start_registry(tmp_path_factory):
    """A function that starts Debian's registry, with a login or without; its host."""
    children = []

    def start(*, login=False):
        child, host = registry_programs.start(tmp_path_factory.mktemp("registry"), login=login)
        children.append(child)
        return host

    yield start
    for child in children:
        child.kill()
        child.wait()


@pytest.fixture(scope="session")
def registry(start_registry):
    """Debian's registry, open to all."""
    return start_registry()


@pytest.fixture(scope="session")
def private_registry(start_registry):
    """Debian's registry, with a login."""
    return start_registry(login=True)
