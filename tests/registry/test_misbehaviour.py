"""A registry may do whatever it likes: the image arrives whole, or an error says what is wrong."""

import io
import threading

import pytest
from registry_images import everything, make_image, noise, plain

from sealift import clock, digest
from sealift.adapters.registries.client import PULL, PUSH, Client
from sealift.adapters.registries.credentials import Credential, Found
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.retry import Retry
from sealift.adapters.registries.session import Access
from sealift.errors import IntegrityError, NotFoundError, RegistryError
from sealift.record.image import LAYER
from sealift.testing.registry import Faults, RegistryServer

SIZE = 3_000_000


@pytest.fixture
def image(store):
    """An image with one layer that takes a while."""
    return make_image(store, sizes=(SIZE,))


@pytest.fixture
def pushed(server, image, access, store):
    """The same, in the registry; its reference."""
    reference = f"{server.host}/m:1"
    push(store, image.digest, reference, access=access)
    server.seen.clear()
    return reference


def received(server, *methods):
    """Bytes of content in requests."""
    return sum(one.size for one in server.seen if one.method in methods)


def test_an_upload_that_is_cut_goes_on_where_it_was(server, faults, store, image, access):
    """Little more than the content crosses the network, however often it is cut."""
    faults.cut_uploads = [1_000_000, 500_000, 70_000]

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert everything(store, image.digest).items() >= {
        (name, content) for (_, name), content in server.blobs.items()
    }
    assert received(server, "PUT", "PATCH") < SIZE + 300_000
    assert any("Content-Range".lower() in one.headers for one in server.seen)


def test_an_upload_whose_cut_part_is_dropped_begins_anew(server, faults, store, image, access):
    """The registry says how much it has, and that counts."""
    faults.cut_uploads, faults.keeps_cut = [2_000_000], False

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert len(server.blobs) == 2


def test_an_upload_whose_session_is_lost_begins_anew(server, faults, store, image, access):
    """Between two parts the registry forgets it."""
    faults.cut_uploads, faults.lose_sessions = [2_000_000], [1_000_000]

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert len(server.blobs) == 2
    assert sum(one.method == "POST" for one in server.seen) == 3


def test_an_upload_in_chunks_keeps_to_the_size_of_both_sides(server, faults, store, image):
    """Each request carries the chunk that was asked for, or the registry's least."""
    access = Access(retry=Retry(first=0.001), chunk=400_000)
    push(store, image.digest, f"{server.host}/m:1", access=access)
    sizes = [one.size for one in server.seen if one.method == "PATCH" and one.size > 100]
    assert sizes == [*([400_000] * 7), 200_000]

    server.seen.clear()
    faults.least_chunk = 1_000_000
    push(store, image.digest, f"{server.host}/n:1", access=access)
    assert [one.size for one in server.seen if one.method == "PATCH" and one.size > 100] == [
        1_000_000
    ] * 3


def test_a_chunk_that_is_cut_is_sent_again_from_where_the_registry_is(server, faults, store, image):
    """Not from the beginning."""
    access = Access(retry=Retry(first=0.001), chunk=1_000_000)
    faults.cut_uploads = [10_000_000, 10_000_000, 700_000]

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert len(server.blobs) == 2
    assert received(server, "PATCH") < SIZE + 300_000


def test_a_blob_too_large_for_one_request_goes_in_parts(server, faults, store, access):
    """As it happens behind proxies with a limit."""
    big = make_image(store, sizes=(20_000_000,))
    faults.most_body = 17_000_000

    push(store, big.digest, f"{server.host}/m:1", access=access)

    assert len(server.blobs) == 2


def test_a_limit_that_even_parts_do_not_fit_is_said(server, faults, store, image, access):
    """With what to do about it, and no attempts that cannot help."""
    faults.most_body = 1000

    with pytest.raises(RegistryError, match="too large") as caught:
        push(store, image.digest, f"{server.host}/m:1", access=access)

    assert "raise the limit" in caught.value.remedy


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_is_cut_goes_on_where_it_was(
    pushed, server, faults, other, image, access, ranges
):
    """Also at a registry that ignores ``Range``: what is known is passed over, and checked."""
    faults.cut_downloads, faults.ranges = [1_000_000, 1_500_000, 200_000], ranges

    pull(pushed, other, access=access)

    assert other.has(image.digest)
    starts = [one.headers["range"] for one in server.seen if "range" in one.headers]
    assert len(starts) >= 2
    assert all(one != "bytes=0-" for one in starts)


def test_a_registry_that_cuts_for_ever_is_given_up(pushed, faults, other, image, access):
    """After a bounded number of attempts; nothing half is in the store."""
    faults.cut_downloads = [0] * 100

    with pytest.raises(RegistryError, match="4 attempts"):
        pull(pushed, other, access=access)

    assert not other.has(image.digest)
    assert len(faults.cut_downloads) == 96


def test_what_came_before_giving_up_is_not_fetched_again(pushed, server, faults, other, access):
    """The next pull asks for the rest alone."""
    faults.cut_downloads = [2_000_000, *([0] * 4)]
    with pytest.raises(RegistryError):
        pull(pushed, other, access=access)
    server.seen.clear()
    faults.cut_downloads = []

    pull(pushed, other, access=access)

    ranges = [one.headers["range"] for one in server.seen if "range" in one.headers]
    assert len(ranges) == 1
    assert int(ranges[0][6:-1]) >= 1_900_000


def test_a_damaged_beginning_is_fetched_again(pushed, other, store, image, access):
    """What an earlier pull left is hashed with the rest; if that is wrong, all of it is fetched."""
    layer = store.manifest(image.digest).layers[0]
    folder = other.root / "partial"
    folder.mkdir(parents=True)
    (folder / layer.digest[7:]).write_bytes(noise("damaged", 1_000_000))

    pull(pushed, other, access=access)

    assert everything(other, image.digest) == everything(store, image.digest)


def test_wrong_bytes_never_enter_the_store(pushed, faults, other, store, image, access):
    """Neither as a manifest nor as a blob."""
    faults.flips = True
    with pytest.raises(IntegrityError, match="with the digest"):
        pull(pushed, other, access=access)

    file = io.BytesIO()
    blob = store.manifest(image.digest).layers[0]
    with (
        Client(parse(pushed), PULL, access) as client,
        pytest.raises(IntegrityError, match="other"),
    ):
        client.downloads.get(blob, file)
    assert file.getvalue() == b""
    assert not other.has(image.digest)


def test_a_content_length_below_the_real_one_is_noticed(pushed, faults, other, image, access):
    """What is missing is asked for again, a bounded number of times."""
    faults.wrong_length = -1000

    with pytest.raises(RegistryError, match="attempts"):
        pull(pushed, other, access=access)

    assert not other.has(image.digest)


def test_a_content_length_above_the_real_one_does_no_harm(pushed, faults, other, image, access):
    """All bytes came, and they are the right ones."""
    faults.wrong_length = 1000

    assert pull(pushed, other, access=access) == image.digest


def test_more_bytes_than_named_are_refused(pushed, server, other, store, image, access):
    """A registry cannot fill the disk."""
    layer = store.manifest(image.digest).layers[0].digest
    server.blobs["m", layer] += noise("more", 100_000)

    with pytest.raises(IntegrityError, match="more bytes"):
        pull(pushed, other, access=access)

    assert sum(path.stat().st_size for path in (other.root / "partial").iterdir()) == 0


def test_a_missing_digest_header_is_no_fault(server, faults, store, image, other, access):
    """Everything is hashed here anyway."""
    faults.digests = False

    push(store, image.digest, f"{server.host}/m:1", access=access)
    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert pull(f"{server.host}/m:1", other, access=access) == image.digest


def test_a_media_type_that_contradicts_the_content_is_refused(pushed, faults, other, access):
    """An index cannot be passed off as a manifest."""
    faults.media_type = "application/vnd.oci.image.index.v1+json"

    with pytest.raises(IntegrityError, match="calls itself"):
        pull(pushed, other, access=access)


def test_the_old_format_of_docker_is_named(pushed, faults, other, access):
    """Schema 1 has no digests worth the name."""
    faults.media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws"

    with pytest.raises(RegistryError, match="schema 1"):
        pull(pushed, other, access=access)


def test_a_busy_registry_is_asked_again(server, faults, store, image, other):
    """429 and 5xx, with and without ``Retry-After``, in the midst of everything."""
    access = Access(retry=Retry(attempts=9, first=0.001, longest=0.01))
    faults.answers = [(429, "0"), (503, ""), (500, ""), (429, "0")] * 2

    push(store, image.digest, f"{server.host}/m:1", access=access)
    faults.answers = [(502, ""), (504, ""), (429, "0")]
    pull(f"{server.host}/m:1", other, access=access)

    assert other.has(image.digest)


def test_retry_after_is_waited_for(server, faults, store, image, access):
    """As many seconds as the registry says."""
    faults.answers = [(429, "1")]
    began = clock.monotonic()

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert clock.monotonic() - began >= 1.0


def test_a_registry_that_wants_too_much_patience_is_left(server, faults, store, image, access):
    """It is said how many seconds it asks for."""
    faults.answers = [(429, "3600")] * 8

    with pytest.raises(RegistryError, match="3600 seconds"):
        push(store, image.digest, f"{server.host}/m:1", access=access)


def test_a_registry_that_stays_broken_is_given_up(server, faults, store, image, access):
    """After a bounded number of attempts, with what it said."""
    faults.answers = [(500, "")] * 100

    with pytest.raises(RegistryError, match="answered 500"):
        push(store, image.digest, f"{server.host}/m:1", access=access)

    assert len(server.seen) <= 8


def test_blobs_are_fetched_from_where_the_registry_sends_to(
    pushed, server, faults, other, image, access
):
    """A storage behind it; the registry's credentials are not shown there."""
    faults.login = ("pilot", "secret")
    known = Access(retry=access.retry, credentials=_pilot)
    with RegistryServer() as storage:
        storage.blobs = server.blobs
        storage.faults.cut_downloads = [1_000_000]
        faults.storage = f"http://{storage.host}"

        pull(pushed, other, access=known)

        assert other.has(image.digest)
        assert {one.path[:9] for one in storage.seen} == {"/storage/"}
        assert not any("authorization" in one.headers for one in storage.seen)
        assert any("range" in one.headers for one in storage.seen)
    assert any("authorization" in one.headers for one in server.seen)


def test_a_storage_that_asks_who_we_are_learns_nothing(pushed, server, faults, other, access):
    """A 401 from another host is an error, not a reason to show credentials."""
    faults.login = ("pilot", "secret")
    known = Access(retry=access.retry, credentials=_pilot)
    with RegistryServer(Faults(login=("pilot", "secret"))) as thief:
        faults.storage = f"http://{thief.host}/v2/x/blobs/sha256:{'0' * 64}?"

        with pytest.raises(RegistryError, match="credentials"):
            pull(pushed, other, access=known)

        assert not any("authorization" in one.headers for one in thief.seen)


def test_redirects_in_a_circle_end(pushed, server, faults, other, access):
    """After a few."""
    faults.storage = f"http://{server.host}/v2/m/blobs/sha256:{'1' * 64}?"
    server.blobs["m", "sha256:" + "1" * 64] = b"x"

    with pytest.raises(RegistryError, match="circle"):
        pull(pushed, other, access=access)


def test_damaged_content_of_the_store_is_never_finished(server, store, image, access):
    """The upload ends at the last byte, and its session is given back."""
    layer = store.manifest(image.digest).layers[0].digest
    path = store.root / "blobs" / "sha256" / layer[7:]
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    with pytest.raises(IntegrityError, match="damaged"):
        push(store, image.digest, f"{server.host}/m:1", access=access)

    assert ("m", layer) not in server.blobs
    assert not server.manifests
    assert not server.sessions


def test_content_that_the_store_lacks_is_named(server, store, image, access):
    """Before the manifest is sent."""
    layer = store.manifest(image.digest).layers[0].digest
    (store.root / "blobs" / "sha256" / layer[7:]).unlink()

    with pytest.raises(NotFoundError, match="not in the store"):
        push(store, image.digest, f"{server.host}/m:1", access=access)

    assert not server.manifests


def test_an_image_that_is_not_there_is_said(server, other, access):
    """Repository or tag."""
    with pytest.raises(NotFoundError, match="does not have it: the manifest 9"):
        pull(f"{server.host}/nobody:9", other, access=access)


def test_two_clients_that_list_referrers_at_once_lose_none(server, faults, store, access):
    """Where only a tag lists them and nobody guards it: both are there in the end."""
    faults.referrers, faults.lag = False, 0.02
    image = make_image(store)
    push(store, image.digest, f"{server.host}/m:1", access=access)
    reports = [make_image(store, seed=seed, sizes=(9,), subject=plain(image)) for seed in (2, 3, 4)]
    failures = []

    def add(report):
        patient = Access(retry=Retry(attempts=30, first=0.01, longest=0.1))
        try:
            with Client(parse(f"{server.host}/m"), PUSH, patient) as client:
                client.referrers.add(image.digest, [report])
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=add, args=(report,)) for report in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    with Client(parse(f"{server.host}/m"), PULL, access) as client:
        found = client.referrers.of(image.digest)
    assert {one.digest for one in found} == {one.digest for one in reports}


def test_entries_of_others_in_a_list_of_referrers_stay_as_they_are(server, faults, store, access):
    """With all that nobody here knows."""
    faults.referrers = False
    image = make_image(store)
    foreign = {"mediaType": "x/y", "digest": "sha256:" + "9" * 64, "size": 3, "data": "e30="}
    content = digest.canonical(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [foreign],
        }
    )
    named = f"sha256-{image.digest[7:]}"
    kind = "application/vnd.oci.image.index.v1+json"
    server.manifests["m", digest.of_bytes(content)] = (content, kind)
    server.tags["m", named] = digest.of_bytes(content)
    make_image(store, seed=2, sizes=(9,), subject=plain(image))

    push(store, image.digest, f"{server.host}/m:1", access=access)

    listed, _ = server.manifests["m", server.tags["m", named]]
    assert digest.canonical(foreign) in listed.replace(b" ", b"") or b'"data":"e30="' in listed
    assert listed.count(b'"digest"') == 2


def test_a_failed_blob_ends_the_others(server, faults, store, access):
    """The error of the first comes at once, not after the last."""
    image = make_image(store, sizes=[200_000] * 12)
    lost = store.manifest(image.digest).layers[0].digest
    (store.root / "blobs" / "sha256" / lost[7:]).unlink()

    with pytest.raises(NotFoundError, match="not in the store"):
        push(store, image.digest, f"{server.host}/m:1", access=access)

    assert len(server.blobs) < 13


def test_at_most_four_blobs_travel_at_once(store, other, access, server):
    """The bound on memory and on the registry's patience."""
    image = make_image(store, sizes=[100_000] * 12)
    together, most = [], []
    kept_by = other.put

    def put(content, media_type):
        together.append(1)
        most.append(len(together))
        kept = kept_by(content, media_type)
        together.pop()
        return kept

    other.put = put
    push(store, image.digest, f"{server.host}/m:1", access=access)
    pull(f"{server.host}/m:1", other, access=access)

    assert 1 <= max(most) <= 4


def test_a_layer_of_wrong_size_in_the_manifest_is_refused(server, store, access):
    """The size is part of what a manifest promises."""
    kept = store.put(noise("size", 1000), LAYER)
    manifest = digest.canonical(
        {
            "schemaVersion": 2,
            "config": {"mediaType": LAYER, "digest": kept.digest, "size": 2000},
            "layers": [],
        }
    )
    image = store.put(manifest, "application/vnd.oci.image.manifest.v1+json")

    with pytest.raises(IntegrityError, match="shorter"):
        push(store, image.digest, f"{server.host}/m:1", access=access)


def _pilot(_host, _repository):
    return Found(Credential("a test", "pilot", "secret"), ("a test",))
