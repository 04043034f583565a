"""Source distributions in real containers on the real base: what they may do, and what not."""

import contextlib
import io
import json
import os
import socket
import zipfile

import pytest
from archives import sdist
from test_images import Talk

from sealift import digest
from sealift.adapters.engines.choice import choose
from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.trees import remove
from sealift.adapters.table import adapter
from sealift.errors import PackageError
from sealift.folders import Folders
from sealift.network.network import Network
from sealift.package import locking
from sealift.package.kiln import Kiln
from sealift.package.sdists import Sdist
from sealift.package.shelf import Shelf
from sealift.record.image_settings import ImageSettings
from sealift.record.project import Project

pytestmark = [pytest.mark.network, pytest.mark.engine]

PROJECT = '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
BACKEND = """
import json, os, socket, zipfile

def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "allowed"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    report = {
        "network": tried(lambda: socket.create_connection(("127.0.0.1", PORT), 2).close()),
        "away": tried(lambda: socket.create_connection(("192.0.2.1", 80), 2).close()),
        "system": tried(lambda: open("/usr/planted", "w").close()),
        "source": tried(lambda: open("/in/sdist", "a").close()),
        "program": tried(lambda: open("/in/pep517.py", "a").close()),
        "user": os.getuid(),
        "host": os.path.exists("HERE"),
        "variables": sorted(name for name in os.environ if name.startswith("SECRET")),
        "hashes": hash("text"),
        "time": os.environ["SOURCE_DATE_EPOCH"],
    }
    info = "probe-1.0.dist-info"
    files = {
        "probe.py": json.dumps(report),
        info + "/METADATA": "Metadata-Version: 2.1\\nName: probe\\nVersion: 1.0\\n",
        info + "/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(folder, "probe-1.0-py3-none-any.whl"), "w") as whole:
        for name, text in files.items():
            whole.writestr(zipfile.ZipInfo(name), text)
    return "probe-1.0-py3-none-any.whl"
"""


class Works:
    """A kiln on the real base, and the lock that it builds with."""

    def __init__(self, root):
        settings = ImageSettings(requirements="none.txt")
        self.folders, self.talk = Folders(root), Talk()
        root.mkdir()
        self.store = Layout(self.folders.layout, self.folders.unpacked)
        made = adapter("engine", choose("auto"))(self.store, self.folders.live / "containers", ())
        self.kiln = Kiln(
            project=Project(name="works", image=settings),
            folders=self.folders,
            network=Network(),
            store=self.store,
            shelf=Shelf(self.store, self.folders.state / "layers", self.talk),
            engine=lambda: made,
            talk=self.talk,
        )
        self.bare = locking.system(settings, root, locking.here(), Network(), self.talk)

    def source(self, name, files):
        """A source distribution of these files."""
        path = sdist(self.folders.root / "sources", name, files)
        sha256 = digest.of_file(path).removeprefix("sha256:")
        return Sdist(name, "1.0", path.name, sha256, path)

    def wheel(self, built):
        """The files of a wheel that was built."""
        with self.store.open(built.digest) as blob:
            content = io.BytesIO(blob.read())
        with zipfile.ZipFile(content) as whole:
            return {name: whole.read(name).decode() for name in whole.namelist()}


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    """One base for all builds."""
    root = tmp_path_factory.mktemp("works") / "works"
    yield Works(root)
    remove(root)


@pytest.fixture
def listener():
    """A server of this machine, which nobody may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_a_build_reaches_nothing_and_writes_nowhere_else(works, listener, monkeypatch):
    """Unprivileged, without a network, on a read-only root, with nothing of this machine."""
    monkeypatch.setenv("SECRET_TOKEN", "x")
    port = listener.getsockname()[1]
    back = BACKEND.replace("PORT", str(port)).replace("HERE", str(works.folders.root))
    source = works.source("probe", {"pyproject.toml": PROJECT, "back.py": back})
    before = source.path.read_bytes()
    built = works.kiln.build(source, works.bare)
    report = json.loads(works.wheel(built)["probe.py"])
    assert "allowed" not in report.values(), report
    assert report["user"] == 65532 or report["user"] != os.getuid()
    assert (report["host"], report["variables"]) == (False, [])
    assert source.path.read_bytes() == before
    with contextlib.suppress(BlockingIOError):
        assert not listener.accept()


def test_a_project_without_a_pyproject_file_is_built_by_setuptools(works):
    """A wheel of it, locked with its hash; the same bytes a second time."""
    files = {
        "setup.py": "from setuptools import setup\n"
        "setup(name='oldie', version='1.0', py_modules=['oldie'], install_requires=['numpy<3'])\n",
        "oldie.py": "OLD = True\n",
    }
    source = works.source("oldie", files)
    built = works.kiln.build(source, works.bare)
    inside = works.wheel(built)
    assert inside["oldie.py"] == "OLD = True\n"
    assert "Requires-Dist: numpy<3" in inside["oldie-1.0.dist-info/METADATA"]
    assert built.requires[0].startswith("setuptools==")
    assert "--hash=sha256:" in built.requires[0]
    assert works.kiln.again(built, works.bare, source) == built.digest


def test_a_backend_that_fails_is_heard(works):
    """The last lines of what it said, and where the rest is."""
    back = "def build_wheel(folder, *_):\n    raise RuntimeError('the mould broke')\n"
    source = works.source("broken", {"pyproject.toml": PROJECT, "back.py": back})
    with pytest.raises(PackageError, match="the mould broke") as caught:
        works.kiln.build(source, works.bare)
    assert caught.value.where.endswith("broken-1.0.log")
    assert not list((works.folders.state / "scratch").iterdir())


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (PROJECT.replace('["."]', '["../.."]'), "leads out of the source distribution"),
        (PROJECT.replace('"back"', '"gone"'), "No module named 'gone'"),
    ],
)
def test_a_project_file_that_misleads_is_refused(works, project, said):
    """In the container, before any backend is called."""
    source = works.source("odd", {"pyproject.toml": project, "back.py": ""})
    with pytest.raises(PackageError, match=said):
        works.kiln.build(source, works.bare)
