"""Benches for engines: the same image and store, another engine."""

import os
import shutil

import pytest

from sealift.adapters.stores.layout import Layout
from sealift.testing.engine_bench import EngineBench
from sealift.testing.engine_image import host_image

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""


def needs(program):
    """Skip on a developer's machine without ``program``; fail where all of it must be tested."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed, and continuous integration tests it.")
        pytest.skip(f"{program} is not installed here.")


@pytest.fixture
def make_bench():
    """A function from a class of engines and an empty folder to a bench."""
    return _make_bench


def _make_bench(kind, folder):
    """A bench in an empty folder for this class of engines."""
    store, live = Layout(folder / "layout", folder / "unpacked"), folder / "live"
    image = host_image(store, {"OF_IMAGE": "under", "ALSO": "image"})
    source = (
        "from pathlib import Path\n"
        "from sealift.adapters.stores.layout import Layout\n"
        f"from {kind.__module__} import {kind.__name__}\n"
        f"store = Layout(Path({str(store.root)!r}), Path({str(folder / 'unpacked')!r}))\n"
        f"engine = {kind.__name__}(store, Path({str(live)!r}))\n"
    )
    return EngineBench(engine=kind(store, live), image=image, folder=folder, source=source)


@pytest.fixture
def podman_settings(tmp_path_factory, monkeypatch):
    """Settings with which podman runs in most places, continuous integration among them."""
    needs("podman")
    needs("runc")
    file = tmp_path_factory.mktemp("podman") / "containers.conf"
    file.write_text(CONTAINERS_CONF)
    monkeypatch.setenv("CONTAINERS_CONF", str(file))
