"""What is pushed leaves while the rest of it is still being made."""

import threading
import time

import pytest
from registry_images import make_image, plain

from sealift.adapters.registries.push import Pushing, push
from sealift.errors import IntegrityError, RegistryError

PATIENCE = 30.0


class Noticing(dict):
    """The blobs of a registry, and word of the first of more than ``size`` bytes."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.arrived = threading.Event()

    def __setitem__(self, key, content):
        super().__setitem__(key, content)
        if len(content) > self.size:
            self.arrived.set()


class Slow(dict):
    """The blobs of a registry; one of more than ``size`` bytes is there only after ``until``."""

    def __init__(self, size, until):
        super().__init__()
        self.size = size
        self.until = until
        self.held = []

    def __setitem__(self, key, content):
        if len(content) > self.size:
            ended = time.monotonic() + PATIENCE
            while not self.until() and time.monotonic() < ended:
                time.sleep(0.01)
            self.held.append(self.until())
        super().__setitem__(key, content)


def manifests(server):
    """The names of the manifests that were put, in order."""
    put = [one.path for one in server.seen if one.method == "PUT" and "/manifests/" in one.path]
    return [path.rpartition("/")[2] for path in put]


def pushes(server):
    """The paths of the blobs' uploads that were closed, by digest."""
    closed = [one for one in server.seen if one.method == "PUT" and "/uploads/" in one.path]
    return sorted(one.path.partition("digest=")[2] for one in closed)


def test_blobs_arrive_before_what_names_them_is_there(server, store, access):
    """Each is sent once, counted as sent, and found by nobody until the push is finished."""
    server.blobs = Noticing(100_000)
    image = make_image(store)
    layers = store.manifest(image.digest).layers
    place = f"{server.host}/m:1"

    with Pushing(store, place, access=access) as going:
        going.ahead([*layers, *layers])
        assert server.blobs.arrived.wait(PATIENCE)
        assert (server.manifests, server.tags) == ({}, {})
        pushed = going.finish(image.digest, place)

    assert (pushed.sent_blobs, pushed.skipped_blobs) == (3, 0)
    assert pushed.sent_bytes == sum(len(content) for content in server.blobs.values())
    assert len(pushes(server)) == len(set(pushes(server))) == 3
    assert server.tags["m", "1"] == image.digest


def test_what_leaves_twice_is_sent_once(server, store, access):
    """Weights leave first, then all layers of the image, the same weights among them."""
    image = make_image(store)
    layers = store.manifest(image.digest).layers
    place = f"{server.host}/m:1"

    with Pushing(store, place, access=access) as going:
        going.ahead(layers[1:])
        going.ahead(layers)
        pushed = going.finish(image.digest, place)

    assert pushed.sent_blobs == 3
    assert len(pushes(server)) == len(set(pushes(server))) == 3


def test_what_the_registry_has_is_not_sent_ahead(server, store, access):
    """Nor counted as sent."""
    image = make_image(store)
    place = f"{server.host}/m:1"
    push(store, image.digest, place, access=access)

    with Pushing(store, place, access=access) as going:
        going.ahead(store.manifest(image.digest).layers)
        pushed = going.finish(image.digest, place)

    assert (pushed.sent_blobs, pushed.skipped_blobs) == (0, 3)


def test_a_push_that_is_not_finished_leaves_no_upload_open(server, store, access):
    """As when the image could not be signed."""
    image = make_image(store, sizes=(3_000_000, 3_000_000))

    with Pushing(store, f"{server.host}/m:1") as going:
        going.ahead(store.manifest(image.digest).layers)

    assert (server.sessions, server.manifests, server.tags) == ({}, {}, {})


def test_the_finish_tells_of_damage_that_was_met_ahead(server, store, access):
    """And the registry gets nothing that names the damaged blob."""
    image = make_image(store)
    layers = store.manifest(image.digest).layers
    path = store.root / "blobs" / "sha256" / layers[1].digest[7:]
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    with Pushing(store, f"{server.host}/m:1", access=access) as going:
        going.ahead(layers)
        with pytest.raises(IntegrityError, match="does not match its digest"):
            going.finish(image.digest, f"{server.host}/m:1")

    assert (server.sessions, server.manifests, server.tags) == ({}, {}, {})


def test_a_registry_that_is_not_there_stops_nobody_before_the_finish(store, access):
    """What is made meanwhile is made, as it is without a registry."""
    image = make_image(store)

    with Pushing(store, "127.0.0.1:1/m:1", access=access) as going:
        going.ahead(store.manifest(image.digest).layers)
        with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1"):
            going.finish(image.digest, "127.0.0.1:1/m:1")


def test_reports_do_not_wait_for_large_blobs_where_only_a_tag_lists_them(
    server, faults, store, access
):
    """Such a registry knows no subjects. What names the blob comes after it, as ever."""
    faults.referrers = False
    image = make_image(store, sizes=(300_000,))
    report = make_image(store, seed=2, sizes=(50,), subject=plain(image))
    listed = f"sha256-{image.digest[7:]}"
    server.blobs = Slow(100_000, lambda: ("m", listed) in server.tags)

    pushed = push(store, image.digest, f"{server.host}/m:1", access=access)

    assert server.blobs.held == [True]
    assert pushed.referrers == 1
    assert manifests(server) == [report.digest, listed, image.digest, "1"]


def test_reports_follow_what_they_are_about_where_the_registry_lists_them(server, store, access):
    """It may want to know the subject first."""
    image = make_image(store, sizes=(300_000,))
    report = make_image(store, seed=2, sizes=(50,), subject=plain(image))

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert manifests(server) == [image.digest, report.digest, "1"]
