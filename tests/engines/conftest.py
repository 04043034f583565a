"""Benches for engines: the same image and store, another engine."""

import pytest

from programs import needs
from sealift.adapters.stores.layout import Layout
from sealift.testing.engine_bench import EngineBench
from sealift.testing.engine_image import host_image

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""


@pytest.fixture(scope="session")
def image_store(tmp_path_factory):
    """A folder with a store in it, and an image there."""
    folder = tmp_path_factory.mktemp("store")
    store = Layout(folder / "layout", folder / "unpacked")
    return folder, host_image(store, {"OF_IMAGE": "under", "ALSO": "image"})


@pytest.fixture
def make_bench(image_store):
    """A function from a class of engines and an empty folder to a bench."""
    place, image = image_store

    def make(kind, folder):
        live = folder / ".sealift" / "live"  # as in a project: some programs mind the dot
        source = (
            "from pathlib import Path\n"
            "from sealift.adapters.stores.layout import Layout\n"
            f"from {kind.__module__} import {kind.__name__}\n"
            f"place, live = Path({str(place)!r}), Path({str(live)!r})\n"
            f"engine = {kind.__name__}(Layout(place / 'layout', place / 'unpacked'), live)\n"
        )
        engine = kind(Layout(place / "layout", place / "unpacked"), live)
        return EngineBench(engine=engine, image=image, folder=folder, source=source)

    return make


@pytest.fixture
def podman_settings(tmp_path_factory, monkeypatch):
    """Settings with which podman runs in most places, continuous integration among them."""
    needs("podman")
    needs("runc")
    file = tmp_path_factory.mktemp("podman") / "containers.conf"
    file.write_text(CONTAINERS_CONF)
    monkeypatch.setenv("CONTAINERS_CONF", str(file))
