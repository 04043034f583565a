"""What the distribution-spec's conformance suite expects, from the client's side of the wire.

The suite (distribution-spec 1.1, folder conformance) has four workflows. EXPECTATIONS goes through
them: what is asked of a registry there, this client asks for, or stands without. Most tests run
against Debian's registry and against the one of these tests, which keeps lists of referrers.
"""

import ast
from pathlib import Path

import pytest
from registry_images import everything, make_image, noise, plain

from registry_programs import QUICK
from sealift.adapters.registries.client import PULL, PUSH, Client
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.digest import of_bytes
from sealift.errors import IntegrityError, NotFoundError, RegistryError
from sealift.record.image import LAYER, MANIFEST, Descriptor
from sealift.testing.registry import RegistryServer

EXPECTATIONS = {
    "pull": {
        "HEAD and GET of what is not there are 404": "test_what_is_not_there_is_said",
        "HEAD and GET of a blob by its digest": "test_a_blob_comes_by_its_digest",
        "a part of a blob by Range": "test_a_download_goes_on_where_it_was",
        "HEAD and GET of a manifest by digest and tag": "test_a_manifest_comes_by_digest_and_tag",
        "the media type of the answer is that of the manifest": (
            "test_a_media_type_that_contradicts_the_content_is_refused"
        ),
        "a digest in the answer is that of the content": ("test_wrong_bytes_never_enter_the_store"),
        "an answer without a digest": "test_a_missing_digest_header_is_no_fault",
        "errors have codes and messages": "test_codes_and_messages_of_errors_are_told",
    },
    "push": {
        "POST, then PUT of all": "test_a_blob_goes_in_one_request",
        "POST, PATCH by PATCH with Content-Range, PUT": "test_a_blob_goes_in_chunks_in_order",
        "GET of an upload tells its Range": "test_an_upload_tells_how_far_it_is",
        "a chunk out of order is 416": "test_a_chunk_out_of_order_is_put_right",
        "OCI-Chunk-Min-Length is kept to": (
            "test_an_upload_in_chunks_keeps_to_the_size_of_both_sides"
        ),
        "Location is taken as it is, relative or not": "test_a_blob_goes_in_chunks_in_order",
        "DELETE cancels an upload": "test_an_upload_that_is_given_up_is_cancelled",
        "wrong bytes are refused": "test_bytes_of_another_digest_are_refused",
        "a blob is mounted: 201": "test_blobs_are_mounted_from_another_repository",
        "or an upload begins: 202": (
            "test_uploads_that_registries_begin_instead_of_mounting_are_given_up"
        ),
        "PUT of a manifest by tag and by digest": "test_a_manifest_comes_by_digest_and_tag",
        "a manifest after what it names": "test_the_tag_comes_last",
        "a manifest whose blobs are not there is refused": (
            "test_a_manifest_before_its_blobs_is_refused"
        ),
        "a manifest of 4 MiB": "test_a_manifest_of_the_greatest_size_goes_and_comes",
        "OCI-Subject tells whether the subject is listed": "test_reports_go_with_their_image",
        "Warning is told to people": "test_warnings_are_told_once",
    },
    "discovery": {
        "the list of tags": "test_tags_are_listed",
        "the list of tags by pages (Link)": "test_tags_come_page_by_page",
        "tags of a repository that is not there are 404": "test_what_is_not_there_is_said",
        "referrers of a digest": "test_referrers_are_found_listed_or_tagged",
        "referrers of what nothing refers to": "test_referrers_are_found_listed_or_tagged",
        "referrers by artifactType, filtered there or not": (
            "test_referrers_are_found_listed_or_tagged"
        ),
        "referrers by pages (Link)": "test_referrers_come_page_by_page",
        "the tag schema, where there is no list": "test_referrers_are_found_listed_or_tagged",
        "two writers of such a tag": "test_two_clients_that_list_referrers_at_once_lose_none",
        "a subject that is not there": "test_a_referrer_may_come_before_its_subject",
    },
    "management": {
        "DELETE of a manifest by digest": "test_what_is_deleted_is_gone",
        "DELETE of a blob": "test_what_is_deleted_is_gone",
        "DELETE of what is not there is 404": "test_what_is_not_there_is_said",
        "DELETE where that is not allowed is 405": "test_a_registry_that_does_not_delete_is_said",
    },
}


def test_every_expectation_has_its_test():
    """In this folder, by name."""
    known = {
        node.name
        for file in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    named = {test for workflow in EXPECTATIONS.values() for test in workflow.values()}
    assert named <= known, named - known


@pytest.fixture(params=["ours", "debian"])
def place(request):
    """A registry by its host: that of these tests, and Debian's, which is of OCI 1.0."""
    if request.param == "debian":
        yield request.getfixturevalue("registry")
        return
    with RegistryServer() as running:
        yield running.host


def client(place, name, actions=PUSH, **how):
    """A client of a repository."""
    return Client(parse(f"{place}/conformance/{name}"), actions, Access(retry=QUICK, **how))


def blob(store, seed, size=300_000):
    """A blob in a store: its descriptor, and what opens it."""
    kept = store.put(noise(seed, size), LAYER)
    return kept, lambda: store.open(kept.digest)


def requests(seen, method):
    """The requests of a method, with their headers."""
    return [one.headers for one in seen if one.method == method]


def test_what_is_not_there_is_said(place):
    """Blobs, manifests, tags and repositories; nothing is guessed."""
    absent = of_bytes(b"absent")
    with client(place, "nowhere") as there:
        assert not there.has(absent)
        assert there.manifests.head(absent) is None
        assert there.manifests.head("tag") is None
        for ask in (
            lambda: there.manifests.get(absent),
            lambda: there.manifests.get("tag"),
            lambda: there.manifests.delete(absent),
            lambda: there.delete_blob(absent),
        ):
            with pytest.raises(NotFoundError, match="does not have it"):
                ask()


def test_the_tags_of_no_repository_are_said(registry):
    """They are not an empty list."""
    with client(registry, "never-pushed", PULL) as there, pytest.raises(NotFoundError):
        there.tags()


def test_a_blob_comes_by_its_digest(place, store, tmp_path):
    """The same bytes; an empty one too."""
    for size in (0, 1, 70_000):
        kept, content = blob(store, f"get/{size}", size)
        with client(place, "blobs") as there, (tmp_path / "got").open("w+b") as file:
            there.uploads.put(kept, content)
            assert there.has(kept.digest)
            file.truncate()
            there.downloads.get(kept, file)
            file.seek(0)
            assert of_bytes(file.read()) == kept.digest


def test_a_manifest_comes_by_digest_and_tag(place, store, other):
    """Byte for byte, under both."""
    image = make_image(store, seed="both")
    push(store, image.digest, f"{place}/conformance/both:1", access=Access(retry=QUICK))
    with client(place, "both") as there:
        one, two = there.manifests.get("1"), there.manifests.get(image.digest)
        assert one.content == two.content == everything(store, image.digest)[image.digest]
        assert one.media_type == MANIFEST
        assert there.manifests.head("1") == there.manifests.head(image.digest) == image.digest
        there.manifests.put("2", one.content, one.media_type)
        assert sorted(there.tags()) == ["1", "2"]
    exact = f"{place}/conformance/both@{image.digest}"
    assert pull(exact, other, access=Access(retry=QUICK)) == image.digest


def test_codes_and_messages_of_errors_are_told(place):
    """As the registry words them."""
    with client(place, "codes") as there, pytest.raises(NotFoundError, match="MANIFEST_UNKNOWN"):
        there.manifests.get("1")


def test_a_blob_goes_in_one_request(server, store):
    """A POST that begins, a PUT with all of it, its length stated."""
    kept, content = blob(store, "one")
    with client(server.host, "one") as there:
        assert there.uploads.put(kept, content) == "sent"
    assert len(requests(server.seen, "POST")) == 1
    assert requests(server.seen, "PATCH") == []
    (put,) = requests(server.seen, "PUT")
    assert put["content-length"] == str(kept.size)
    assert put["content-type"] == "application/octet-stream"


def test_a_blob_goes_in_chunks_in_order(place, store):
    """To wherever the registry says, with the part that each is of."""
    kept, content = blob(store, "chunks", 250_000)
    with client(place, "chunks", chunk=100_000) as there:
        there.uploads.put(kept, content)
        assert there.has(kept.digest)


def test_the_parts_of_a_blob_are_stated(server, store):
    """Both ends are inclusive, and there is no unit, unlike in HTTP."""
    kept, content = blob(store, "parts", 250_000)
    with client(server.host, "parts", chunk=100_000) as there:
        there.uploads.put(kept, content)
    ranges = [one["content-range"] for one in requests(server.seen, "PATCH")]
    assert ranges == ["0-99999", "100000-199999", "200000-249999"]
    (put,) = requests(server.seen, "PUT")
    assert put["content-length"] == "0"


def test_an_upload_tells_how_far_it_is(server, faults, store):
    """After a cut the client asks, and sends the rest only."""
    faults.cut_uploads = [150_000]
    kept, content = blob(store, "far")
    with client(server.host, "far", chunk=200_000) as there:
        there.uploads.put(kept, content)
        assert there.has(kept.digest)
    assert any("/uploads/" in one.path for one in server.seen if one.method == "GET")
    later = [one["content-range"] for one in requests(server.seen, "PATCH")][1:]
    assert later
    assert all(not one.startswith("0-") for one in later)


def test_a_chunk_out_of_order_is_put_right(server, faults, store):
    """A registry that lost bytes says 416; the upload goes on from where it is.

    Debian's takes any chunk and notices at the end, by the digest.
    """
    faults.cut_uploads, faults.keeps_cut = [150_000], False
    kept, content = blob(store, "order")
    with client(server.host, "order", chunk=200_000) as there:
        there.uploads.put(kept, content)
        assert there.has(kept.digest)


def test_an_upload_that_is_given_up_is_cancelled(server, store):
    """So that nothing half stays at the registry."""
    kept, _ = blob(store, "given-up")
    short = Descriptor(media_type=LAYER, digest=kept.digest, size=kept.size + 1)
    with client(server.host, "given-up", chunk=100_000) as there, pytest.raises(IntegrityError):
        there.uploads.put(short, lambda: store.open(kept.digest))
    assert requests(server.seen, "DELETE")
    assert server.sessions == {}


@pytest.mark.parametrize("chunk", [0, 100_000])
def test_bytes_of_another_digest_are_refused(place, store, chunk):
    """By the registry; it does not have them afterwards."""
    kept, _ = blob(store, "right")
    _, wrong = blob(store, "wrong")
    with client(place, f"wrong{chunk}", chunk=chunk) as there:
        with pytest.raises(IntegrityError, match="other bytes"):
            there.uploads.put(kept, wrong)
        assert not there.has(kept.digest)


def test_a_manifest_before_its_blobs_is_refused(place, store):
    """The error tells which one is not there."""
    image = make_image(store, seed="early")
    content = everything(store, image.digest)[image.digest]
    with (
        client(place, "early") as there,
        pytest.raises((RegistryError, NotFoundError), match="BLOB_UNKNOWN"),
    ):
        there.manifests.put("1", content, MANIFEST)


def test_a_manifest_of_the_greatest_size_goes_and_comes(place, store, other):
    """Every registry takes 4 MiB."""
    small = make_image(store, seed="size", notes={"fill": ""})
    content = everything(store, small.digest)[small.digest]
    whole = make_image(store, seed="size", notes={"fill": "x" * ((4 << 20) - len(content))})
    assert whole.size == 4 << 20
    reference = f"{place}/conformance/size:1"
    push(store, whole.digest, reference, access=Access(retry=QUICK))
    assert pull(reference, other, access=Access(retry=QUICK)) == whole.digest


class Listener:
    """Progress that remembers what is said."""

    def __init__(self):
        self.said = []

    def step(self, name, status):
        """Nothing."""

    def say(self, text):
        """Remember."""
        self.said.append(text)


def test_warnings_are_told_once(server, faults, store, other):
    """Those in the form of the specification, however many answers have them."""
    faults.warnings = ['299 - "the \\"free\\" quota ends"', '199 proxy "miscellaneous"', "nonsense"]
    image, reference = make_image(store), f"{server.host}/warned:1"
    for act in (push, pull):
        talk = Listener()
        words = (store, image.digest, reference) if act is push else (reference, other)
        act(*words, access=Access(retry=QUICK), progress=talk)
        assert talk.said == ['The registry says: the "free" quota ends']


def test_tags_are_listed(place, store):
    """All of them."""
    image = make_image(store, seed="tags")
    with client(place, "tags") as there:
        for name in ("b", "a", "c-1.0_x"):
            push(store, image.digest, f"{place}/conformance/tags:{name}")
        assert sorted(there.tags()) == ["a", "b", "c-1.0_x"]


def test_referrers_are_found_listed_or_tagged(place, store):
    """By the list of the registry, else by the tag that stands for one; all, and by kind."""
    image = make_image(store, seed="subject")
    kinds = {make_image(store, seed=f"on/{n}", sizes=(9,), subject=plain(image)) for n in "ab"}
    push(store, image.digest, f"{place}/conformance/referrers:1", access=Access(retry=QUICK))
    (kind,) = {one.artifact_type for one in store.referrers(image.digest)}
    with client(place, "referrers", PULL) as there:
        found = there.referrers.of(image.digest)
        assert {one.digest for one in found} == {one.digest for one in kinds}
        assert there.referrers.of(image.digest, kind) == found
        assert there.referrers.of(image.digest, "application/other") == []
        assert there.referrers.of(of_bytes(b"nothing")) == []


def test_a_referrer_may_come_before_its_subject(place, store):
    """The list is of a digest, whether that is there or not."""
    image = make_image(store, seed="late")
    report = make_image(store, seed="report", sizes=(9,), subject=plain(image))
    with client(place, "late") as there:
        content = everything(store, report.digest)
        for one in store.manifest(report.digest).layers:
            there.uploads.put(one, lambda one=one: store.open(one.digest))
        config = store.manifest(report.digest).config
        there.uploads.put(config, lambda: store.open(config.digest))
        if not there.manifests.put(report.digest, content[report.digest], MANIFEST):
            there.referrers.add(image.digest, [report])
        assert [one.digest for one in there.referrers.of(image.digest)] == [report.digest]


def test_a_registry_that_does_not_delete_is_said(server, faults, store):
    """With its own words, and nothing is tried again."""
    image = make_image(store)
    push(store, image.digest, f"{server.host}/conformance/kept:1")
    for act in ("manifest", "blob"):
        faults.answers, before = [(405, "")], len(server.seen)
        with (
            client(server.host, "kept") as there,
            pytest.raises(RegistryError, match="answered 405"),
        ):
            (there.manifests.delete if act == "manifest" else there.delete_blob)(image.digest)
        assert len(server.seen) == before + 1
