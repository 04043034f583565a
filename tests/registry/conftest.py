"""Registries to talk to: one in this process that misbehaves, and Debian's, a child process."""

import os
import shutil
import urllib.error
import urllib.request

import pytest

from sealift import clock, process
from sealift.adapters.registries.credentials import Found
from sealift.adapters.registries.retry import Retry
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.loopback import free_port
from sealift.testing.registry import Faults, RegistryServer

QUICK = Retry(attempts=4, first=0.001, longest=0.01, patience=2.0)
LOGIN = ("pilot", "pass:word")
# bcrypt, since the registry takes nothing else; of the password above, cost 4
HTPASSWD = "pilot:$2y$04$1K0BtVMNAQ6axOKgj0Jfa.y7FaKJzr8EQCM8dNm2yU7/Cr6kU1W.O\n"
CONFIGURATION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-this-test}}
{auth}
"""
AUTH = "auth: {{htpasswd: {{realm: tests, path: {path}}}}}"


def needs(program):
    """Skip on a developer's machine without ``program``; fail where all of it must be tested."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed, and continuous integration tests it.")
        pytest.skip(f"{program} is not installed here.")


def nobody(_host, _repository):
    """No credentials."""
    return Found(None, ("nowhere",))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder without credentials, and no proxies."""
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
        needs("docker-registry")
        folder = tmp_path_factory.mktemp("registry")
        (folder / "htpasswd").write_text(HTPASSWD)
        auth = AUTH.format(path=folder / "htpasswd") if login else ""
        for _ in range(5):
            port = free_port()
            text = CONFIGURATION.format(root=folder / "data", port=port, auth=auth)
            (folder / "config.yml").write_text(text)
            words = ["docker-registry", "serve", folder / "config.yml"]
            child = process.spawn(words, log=folder / "log")
            if answers(child, port):
                children.append(child)
                return f"127.0.0.1:{port}"
        raise AssertionError((folder / "log").read_text())

    yield start
    for child in children:
        child.kill()
        child.wait()


def answers(child, port):
    """Whether the registry comes up on its port."""
    for _ in range(500):
        if child.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            clock.sleep(0.02)
    child.kill()
    child.wait()
    return False


@pytest.fixture(scope="session")
def registry(start_registry):
    """Debian's registry, open to all."""
    return start_registry()


@pytest.fixture(scope="session")
def private_registry(start_registry):
    """Debian's registry, with a login."""
    return start_registry(login=True)
