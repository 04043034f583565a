"""Images of others come in from wherever they lie, whole or not at all, under their own digest."""

import gzip
import json
import shutil
import tarfile

import pytest
from foreign_images import ARCHITECTURE, DOCKER, described, sha256, write_layout
from intake_world import Silent

from sealift.adapters.images.arrive import arrive
from sealift.adapters.images.source import parse
from sealift.adapters.registries.push import push
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.errors import IntegrityError, NotFoundError, PackageError, UsageError
from sealift.intake.arrival import arrival
from sealift.testing.registry import RegistryServer

HERE = f"linux/{ARCHITECTURE}"
OTHER = {"amd64": "arm64", "arm64": "amd64"}[ARCHITECTURE]


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


def come(text, store, platform=HERE):
    """Bring in the image at a place."""
    return arrive(parse(text), store, platform=platform, access=Access(), progress=Silent())


def test_an_image_in_dockers_form_is_kept_as_it_is(tmp_path, store, foreign):
    """Digest, media types and all; and its layers make a root, with what was deleted gone."""
    digest = foreign.layout(tmp_path / "image")
    came = come(f"oci:{tmp_path / 'image'}", store)
    root = store.rootfs(came)

    assert came == digest
    assert store.manifest(came).media_type == DOCKER
    assert (root / "srv/server.pl").is_file()
    assert not (root / "opt/gone").exists()


def test_an_index_gives_the_image_for_this_machine(tmp_path, store, foreign):
    """The others stay where they are."""
    found = foreign.index(tmp_path / "image", "amd64", "arm64")
    came = come(f"oci:{tmp_path / 'image'}", store)

    assert came == found[ARCHITECTURE]
    assert not store.has(found[OTHER])


def test_an_index_without_this_platform_says_what_it_has(tmp_path, store, foreign):
    """Rather than an image that cannot run."""
    foreign.index(tmp_path / "image", OTHER)
    with pytest.raises(NotFoundError, match=f"It is there for: linux/{OTHER}"):
        come(f"oci:{tmp_path / 'image'}", store)


def test_an_archive_of_docker_save_becomes_an_image(tmp_path, store, foreign):
    """It has no manifest of its own: the same archive gives the same one, packed or not."""
    foreign.archive(tmp_path / "saved.tar")
    packed = tmp_path / "saved.tar.gz"
    packed.write_bytes(gzip.compress((tmp_path / "saved.tar").read_bytes(), 1))
    came = come(f"docker-archive:{tmp_path / 'saved.tar'}", store)

    assert came == come(f"docker-archive:{packed}:prices:1", store)
    assert (store.rootfs(came) / "usr/bin/perl").is_file()


def test_an_archive_of_a_layout_is_read_like_the_layout(tmp_path, store, foreign):
    """Whichever of the two names it goes by, since newer tools write both in one."""
    digest = foreign.layout(tmp_path / "image")
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        tar.add(tmp_path / "image", ".")

    assert come(f"oci-archive:{tmp_path / 'image.tar'}", store) == digest
    assert come(f"docker-archive:{tmp_path / 'image.tar'}", store) == digest


def test_one_of_several_images_is_named(tmp_path, store, foreign):
    """Without a name nothing is guessed, and a wrong one is answered with the right ones."""
    place = tmp_path / "image"
    digests = [foreign.layout(place), foreign.layout(place, "rate=4")]
    entries = [
        described(
            (place / "blobs/sha256" / one.removeprefix("sha256:")).read_bytes(),
            DOCKER,
            annotations={"org.opencontainers.image.ref.name": name},
        )
        for one, name in zip(digests, ("three", "four"), strict=True)
    ]
    write_layout(place, [], entries)

    assert come(f"oci:{place}:four", store) == digests[1]
    with pytest.raises(UsageError, match="four, three"):
        come(f"oci:{place}", store)
    with pytest.raises(NotFoundError, match="four, three"):
        come(f"oci:{place}:five", store)


def test_an_image_comes_from_a_registry(tmp_path, store, foreign):
    """By our own client, in Docker's form, under its own digest."""
    first = Layout(tmp_path / "first", tmp_path / "first-unpacked")
    digest = foreign.layout(tmp_path / "image")
    come(f"oci:{tmp_path / 'image'}", first)
    with RegistryServer() as server:
        push(first, digest, f"{server.host}/team/prices:1", access=Access())

        assert come(f"{server.host}/team/prices:1", store) == digest
    assert store.rootfs(digest)


@pytest.mark.parametrize("harm", ["flipped", "missing"])
def test_a_layer_that_was_harmed_is_noticed(tmp_path, store, foreign, harm):
    """And the image is not kept: nothing names what is not there."""
    digest = foreign.layout(tmp_path / "image")
    layer = tmp_path / "image/blobs/sha256" / sha256(foreign.packed).removeprefix("sha256:")
    if harm == "missing":
        layer.unlink()
    else:
        layer.write_bytes(b"\0" + layer.read_bytes()[1:])
    with pytest.raises((IntegrityError, NotFoundError)):
        come(f"oci:{tmp_path / 'image'}", store)

    assert not store.has(digest)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_an_archive_that_is_cut_off_is_refused(tmp_path, store, foreign, kind):
    """In the middle of a layer, or before it says anything."""
    foreign.archive(tmp_path / "saved.tar")
    whole = (tmp_path / "saved.tar").read_bytes()
    for length in (0, 700, len(whole) // 2):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises((IntegrityError, NotFoundError)):
            come(f"{kind}:{tmp_path / 'cut.tar'}", store)


def test_a_layer_that_leads_out_of_the_image_is_refused(tmp_path, store, foreign):
    """By its names, or by a link that it then writes through."""
    victim = tmp_path / "victim"
    victim.mkdir()
    for number, names in enumerate((["../../escaped"], ["/escaped"], ["way", "way/escaped"])):
        place = tmp_path / f"image-{number}"
        with tarfile.open(tmp_path / "layer.tar", "w") as tar:
            for name in names:
                entry = tarfile.TarInfo(name)
                if name == "way":
                    entry.type, entry.linkname = tarfile.SYMTYPE, str(victim)
                tar.addfile(entry)
        layer = (tmp_path / "layer.tar").read_bytes()
        _, config, _, _ = foreign.parts()
        config = json.dumps(
            json.loads(config) | {"rootfs": {"type": "layers", "diff_ids": [sha256(layer)]}}
        ).encode()
        kind = "application/vnd.oci.image.layer.v1.tar"
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": DOCKER,
                "config": described(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [described(layer, kind)],
            }
        ).encode()
        write_layout(place, [manifest, config, layer], [described(manifest, DOCKER)])
        came = come(f"oci:{place}", store)
        with pytest.raises(IntegrityError):
            store.rootfs(came)

    assert not list(victim.iterdir())
    assert not list(tmp_path.rglob("escaped"))


def test_an_image_for_another_machine_is_refused_before_it_is_started(tmp_path, store, foreign):
    """Also where nothing but its configuration says so."""
    digest = foreign.layout(tmp_path / "image", architecture=OTHER)
    come(f"oci:{tmp_path / 'image'}", store, platform=f"linux/{OTHER}")
    with pytest.raises(PackageError, match=f"runs on linux/{OTHER}"):
        arrival(digest, store, HERE)


def test_what_is_no_image_is_said(tmp_path, store):
    """A folder, an archive and a path that hold none."""
    (tmp_path / "empty").mkdir()
    shutil.make_archive(str(tmp_path / "other"), "tar", tmp_path / "empty")
    for text, said in (
        (f"oci:{tmp_path / 'empty'}", "no OCI image layout"),
        (f"oci-archive:{tmp_path / 'other.tar'}", "no OCI image layout"),
        (f"docker-archive:{tmp_path / 'other.tar'}", "no archive of an image"),
    ):
        with pytest.raises(NotFoundError, match=said):
            come(text, store)
    with pytest.raises(NotFoundError, match="no such file"):
        parse(f"oci:{tmp_path / 'nowhere'}")
