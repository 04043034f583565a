"""Images whose manifests are in Docker's form run like those in OCI's."""

import msgspec
import pytest

from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.engines.podman import Podman
from sealift.adapters.stores.layout import Layout

pytestmark = pytest.mark.engine
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"


@pytest.mark.parametrize("kind", [Bubblewrap, Podman])
def test_an_image_in_dockers_form_runs(kind, image_store, make_bench, tmp_path, podman_settings):
    """Its manifest is kept as it is, so its media types are Docker's."""
    place, image = image_store
    store = Layout(place / "layout", place / "unpacked")
    made = store.manifest(image)
    layer = made.layers[0]
    foreign = msgspec.structs.replace(
        made,
        media_type=MANIFEST,
        config=msgspec.structs.replace(made.config, media_type=CONFIG),
        layers=(msgspec.structs.replace(layer, media_type=LAYER),),
    )
    digest = store.put(msgspec.json.encode(foreign), MANIFEST).digest
    ended, wrote = make_bench(kind, tmp_path).run("echo here", image=digest)

    assert (ended.status, wrote) == (0, "here\n")
