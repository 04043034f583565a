"""Memory is bounded whatever the size; a kill at any moment harms nothing."""

import json
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from registry_images import everything, make_image, noise

from registry_programs import run
from sealift import clock, digest
from sealift.adapters.registries.partial import partial
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.record.image import CONFIG, LAYER, MANIFEST

WORKER = Path(__file__).parent / "registry_worker.py"
LARGE = 300_000_000
MOST_MEMORY = 120


class Long:
    """A stream of so many bytes, made as they are read."""

    def __init__(self, size):
        self._left = size
        self._piece = noise("long", 1 << 20)

    def read(self, count):
        """The next bytes."""
        taken = min(count, self._left, len(self._piece))
        self._left -= taken
        return self._piece[:taken]


def large_image(store, *sizes):
    """An image of large layers."""
    layers = [store.put(Long(size), LAYER) for size in sizes]
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _plain(store.put(b"{}", CONFIG)),
        "layers": [_plain(layer) for layer in layers],
    }
    return store.put(digest.canonical(content), MANIFEST)


def test_a_large_blob_passes_in_little_memory(registry, tmp_path, store):
    """300 MB there and back, in two processes that stay below 120 MB."""
    image = large_image(store, LARGE)
    reference = f"{registry}/large:1"

    pushed = json.loads(run(*worker("push", tmp_path / "from", reference, image.digest)))
    pulled = json.loads(run(*worker("pull", tmp_path / "to", reference)))

    assert pushed["digest"] == pulled["digest"] == image.digest
    assert pushed["peak"] < MOST_MEMORY
    assert pulled["peak"] < MOST_MEMORY


@pytest.mark.parametrize("seed", range(3))
def test_a_push_killed_at_any_time_is_finished_by_the_next(
    registry, tmp_path, store, other, access, seed
):
    """SIGKILL at a random moment."""
    image = make_image(store, seed=f"killed push {seed}", sizes=(9_000_000, 9_000_000))
    reference = f"{registry}/killed-push-{seed}:1"
    moment = clock.monotonic() + 0.25 + random.Random(seed).random() * 0.4

    kill(
        worker("push", tmp_path / "from", reference, image.digest),
        lambda: clock.monotonic() > moment,
    )

    push(store, image.digest, reference, access=access)
    assert pull(reference, other, access=access) == image.digest
    assert everything(other, image.digest) == everything(store, image.digest)


def test_a_push_killed_inside_a_blob_is_finished_by_the_next(
    server, tmp_path, store, other, access
):
    """What the registry has of it harms nothing."""
    image = make_image(store, sizes=(30_000_000,))
    reference = f"{server.host}/m:1"

    status = kill(
        worker("push", tmp_path / "from", reference, image.digest),
        lambda: any(len(held) > 1_000_000 for held in server.sessions.copy().values()),
    )

    assert status == -9
    assert not server.manifests
    push(store, image.digest, reference, access=access)
    assert pull(reference, other, access=access) == image.digest


@pytest.mark.parametrize("least", [1, 2_000_000, 8_000_000])
def test_a_killed_pull_is_finished_by_the_next(registry, tmp_path, store, other, access, least):
    """Whatever is in the store after SIGKILL is whole, and the rest follows."""
    image = make_image(store, seed="killed pull", sizes=(20_000_000, 20_000_000))
    reference = f"{registry}/killed-pull:1"
    push(store, image.digest, reference, access=access)
    folder = other.root / "partial"

    def far_enough():
        sizes = [path.stat().st_size for path in folder.glob("*")]
        return max(sizes, default=0) >= least

    status = kill(worker("pull", tmp_path / "to", reference), far_enough)

    assert status == -9
    blobs = other.root / "blobs" / "sha256"
    for path in blobs.iterdir() if blobs.exists() else ():
        assert digest.of_file(path) == f"sha256:{path.name}"
    assert pull(reference, other, access=access) == image.digest
    assert everything(other, image.digest) == everything(store, image.digest)
    assert not list(folder.iterdir())


def test_two_pulls_into_one_store_share_the_work(server, tmp_path, store, other, access):
    """Each large blob is fetched once; both end with the whole image."""
    image = make_image(store, sizes=(8_000_000, 8_000_000))
    reference = f"{server.host}/m:1"
    push(store, image.digest, reference, access=access)
    server.seen.clear()
    words = worker("pull", tmp_path / "to", reference)

    both = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(child.communicate()[0])["digest"] for child in both]

    assert said == [image.digest] * 2
    assert everything(other, image.digest) == everything(store, image.digest)
    large = [layer.digest for layer in store.manifest(image.digest).layers]
    for address in large:
        gets = [one for one in server.seen if one.method == "GET" and address in one.path]
        assert len(gets) == 1


def test_a_disk_without_room_is_said_and_harms_nothing(server, store, other, access, tmp_path):
    """What came before stays; the next pull, with room, fetches the rest."""
    image = make_image(store, sizes=(6_000_000,))
    reference = f"{server.host}/m:1"
    push(store, image.digest, reference, access=access)
    server.seen.clear()

    done = subprocess.run(
        worker("pull", tmp_path / "to", reference),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000)),
        capture_output=True,
        check=False,
    )

    assert done.returncode != 0
    assert b"MachineError: A download cannot be kept" in done.stderr
    assert not other.has(image.digest)
    assert pull(reference, other, access=access) == image.digest
    assert everything(other, image.digest) == everything(store, image.digest)
    assert any("range" in one.headers for one in server.seen)


@pytest.mark.parametrize("action", ["push", "pull"])
def test_an_interrupt_ends_at_once(server, faults, tmp_path, store, access, action):
    """Also while a registry wants to be waited for."""
    image = make_image(store, sizes=(200_000, 200_000))
    reference = f"{server.host}/m:1"
    push(store, image.digest, reference, access=access)
    faults.answers = [(429, "60")] * 9
    folder = tmp_path / ("from" if action == "push" else "to")
    server.seen.clear()

    child = subprocess.Popen(
        worker(action, folder, reference, image.digest), stderr=subprocess.DEVNULL
    )
    while not any(one.status == 429 for one in server.seen) and child.poll() is None:
        clock.sleep(0.01)
    clock.sleep(0.2)
    asked = clock.monotonic()
    child.send_signal(signal.SIGINT)

    assert child.wait(30) != 0
    assert clock.monotonic() - asked < 5


def test_an_unfinished_download_has_one_holder(tmp_path):
    """A second one waits, and may give up."""
    address = digest.of_bytes(b"x")

    class EnoughError(Exception):
        pass

    def enough():
        raise EnoughError

    with partial(tmp_path / "p", address, enough) as file:
        file.write(b"abc")
        file.flush()
        with pytest.raises(EnoughError), partial(tmp_path / "p", address, enough):
            pass
    assert not list((tmp_path / "p").iterdir())


def worker(*words):
    """The command line of a worker."""
    return [sys.executable, str(WORKER), *map(str, words)]


def kill(words, due):
    """Start a worker and kill it as soon as ``due`` says so; its exit status."""
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while not due() and child.poll() is None:
        clock.sleep(0.001)
    child.kill()
    return child.wait()


def _plain(kept):
    return {"mediaType": kept.media_type, "digest": kept.digest, "size": kept.size}
