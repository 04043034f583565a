"""Images go to a registry and come back, byte for byte, and nothing goes twice."""

import pytest
from registry_images import everything, make_image, make_index, noise, plain

from sealift import digest
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.manifests import DOCKER_LIST, DOCKER_MANIFEST
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.record.image import CONFIG, INDEX, MANIFEST


def test_what_was_pushed_comes_back_byte_for_byte(server, store, other, access):
    """Manifest, configuration and layers; the name of the reference then stands in the store."""
    image = make_image(store, sizes=(10, 0, 200_000, 3_000_000))
    reference = f"{server.host}/team/model:3"

    pushed = push(store, image.digest, reference, access=access)
    pulled = pull(reference, other, access=access)

    assert (pushed.sent_blobs, pushed.skipped_blobs, pushed.manifests) == (5, 0, 1)
    assert pushed.sent_bytes == sum(map(len, everything(store, image.digest).values())) - image.size
    assert pulled == image.digest
    assert everything(other, pulled) == everything(store, image.digest)
    assert other.resolve(reference).digest == image.digest
    assert not list((other.root / "partial").iterdir())


def test_a_second_push_sends_nothing(server, store, access):
    """What the registry has is skipped: blobs, manifest, and tag."""
    image = make_image(store)
    make_image(store, seed=2, sizes=(50,), subject=plain(image))
    push(store, image.digest, f"{server.host}/m:1", access=access)
    server.seen.clear()

    again = push(store, image.digest, f"{server.host}/m:1", access=access)

    assert (again.sent_blobs, again.sent_bytes, again.manifests) == (0, 0, 0)
    assert (again.skipped_blobs, again.referrers) == (5, 1)
    assert {one.method for one in server.seen} == {"HEAD", "GET"}


def test_a_new_model_on_the_same_packages_sends_only_its_own_layer(server, store, access):
    """Layers are shared by digest."""
    base = noise("packages", 500_000)
    first, second = (make_image(store, seed=seed, sizes=(1000,), shared=(base,)) for seed in (1, 2))
    push(store, first.digest, f"{server.host}/m:1", access=access)

    pushed = push(store, second.digest, f"{server.host}/m:2", access=access)

    assert (pushed.sent_blobs, pushed.sent_bytes) == (1, 1000)


def test_an_index_brings_all_its_platforms(server, store, other, access):
    """Its children go before it, and come with it."""
    index = make_index(store, make_image(store, seed=1), make_image(store, seed=2))

    push(store, index.digest, f"{server.host}/m:1", access=access)
    pulled = pull(f"{server.host}/m:1", other, access=access)

    assert everything(other, pulled) == everything(store, index.digest)


def test_one_platform_of_an_index_can_be_pulled(server, store, other, access):
    """The answer is that image's digest; the others stay where they are."""
    one, two = make_image(store, seed=1), make_image(store, seed=2)
    index = make_index(store, one, two)
    push(store, index.digest, f"{server.host}/m:1", access=access)

    pulled = pull(f"{server.host}/m:1", other, platform="linux/arm64", access=access)

    assert pulled == two.digest
    assert not other.has(one.digest)
    with pytest.raises(NotFoundError, match="linux/s390x") as caught:
        pull(f"{server.host}/m:1", other, platform="linux/s390x", access=access)
    assert "linux/amd64, linux/arm64" in caught.value.remedy


@pytest.mark.parametrize("listed", [True, False])
def test_reports_go_with_their_image(server, faults, store, other, access, listed):
    """Referrers, and what refers to them, whether the registry lists them or clients have to."""
    faults.referrers = listed
    image = make_image(store)
    notes = {"kind": "report"}
    report = make_image(store, seed=2, sizes=(50,), subject=plain(image), notes=notes)
    signature = make_image(store, seed=3, sizes=(20,), subject=plain(report))

    pushed = push(store, image.digest, f"{server.host}/m:1", access=access)
    pull(f"{server.host}/m:1", other, access=access)

    assert pushed.referrers == 2
    assert [one.digest for one in other.referrers(image.digest)] == [report.digest]
    assert [one.digest for one in other.referrers(report.digest)] == [signature.digest]
    with Client(parse(f"{server.host}/m"), PULL, access) as client:
        found = client.referrers.of(image.digest)
    assert [(one.digest, one.annotations) for one in found] == [(report.digest, notes)]
    assert found[0].artifact_type == store.referrers(image.digest)[0].artifact_type
    assert (("m", f"sha256-{image.digest[7:]}") in server.tags) is not listed


def test_a_mounted_blob_is_not_sent(server, faults, store, access):
    """A repository of the same registry gives what it has."""
    image = make_image(store)
    push(store, image.digest, f"{server.host}/one:1", access=access)
    mounting = Access(retry=access.retry, sources=("nothing-there", "one"))

    pushed = push(store, image.digest, f"{server.host}/two:1", access=mounting)

    assert (pushed.sent_blobs, pushed.mounted_blobs) == (0, 3)

    faults.mounts = False
    refused = push(store, image.digest, f"{server.host}/three:1", access=mounting)

    assert (refused.sent_blobs, refused.mounted_blobs) == (3, 0)


def test_uploads_that_registries_begin_instead_of_mounting_are_given_up(server, store, access):
    """Each source that lacks a blob begins one; only the last goes on."""
    image = make_image(store, sizes=(300,))
    mounting = Access(retry=access.retry, sources=("a", "b", "c"))

    push(store, image.digest, f"{server.host}/two:1", access=mounting)

    methods = [one.method for one in server.seen if "/uploads/" in one.path]
    assert methods.count("POST") == 6
    assert methods.count("DELETE") == 4
    assert methods.count("PUT") == 2


def test_an_index_goes_up_after_its_parts_and_tags_go_last(server, store, other, access):
    """Each blob is asked for once, whoever names it."""
    shared = [noise("shared", 5000)]
    images = [make_image(store, seed=n, sizes=(100,), shared=shared) for n in (1, 2)]
    report = make_image(store, seed=3, sizes=(10,), subject=plain(images[0]))
    index, volume = make_index(store, *images), make_index(store, images[1])
    tags = {"1-volume": volume.digest, "1-model": images[1].digest}

    pushed = push(store, index.digest, f"{server.host}/m:1", beside=tags, access=access)

    assert pushed.digest == index.digest
    assert pushed.referrers == 1
    asked = [one.path for one in server.seen if one.method == "HEAD" and "/blobs/" in one.path]
    assert len(asked) == len(set(asked)) == 6
    put = [one.path.rpartition("/")[2] for one in server.seen if one.method == "PUT"]
    put = [name for name in put if "digest=" not in name]
    assert (set(put[-3:-1]), put[-1]) == ({"1-volume", "1-model"}, "1")
    for child in images:
        assert put.index(child.digest) < put.index(index.digest)
    assert report.digest in put
    assert server.tags["m", "1"] == index.digest
    assert server.tags["m", "1-volume"] == volume.digest

    again = push(store, index.digest, f"{server.host}/m:1", beside=tags, access=access)

    assert (again.sent_blobs, again.manifests) == (0, 0)
    assert pull(f"{server.host}/m:1", other, access=access) == index.digest
    assert everything(other, index.digest) == everything(store, index.digest)
    assert [one.digest for one in other.referrers(images[0].digest)] == [report.digest]


def test_images_in_the_formats_of_docker_are_pulled(server, other, access):
    """Manifests and lists of schema 2, as Docker's own tools write them."""
    config, layer = b'{"os":"linux"}', noise(1, 1000)
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": _described(config, CONFIG),
        "layers": [_described(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
    }
    inner = digest.canonical(manifest)
    platform = {"os": "windows", "architecture": "amd64", "os.features": ["win32k"]}
    listing = {
        "schemaVersion": 2,
        "mediaType": DOCKER_LIST,
        "manifests": [_described(inner, DOCKER_MANIFEST) | {"platform": platform}],
    }
    outer = digest.canonical(listing)
    for content in (config, layer):
        server.blobs["old", digest.of_bytes(content)] = content
    for content, kind in ((inner, DOCKER_MANIFEST), (outer, DOCKER_LIST)):
        server.manifests["old", digest.of_bytes(content)] = (content, kind)
    server.tags["old", "latest"] = digest.of_bytes(outer)

    pulled = pull(f"{server.host}/old", other, access=access)

    assert pulled == digest.of_bytes(outer)
    assert set(everything(other, pulled).values()) == {config, layer, inner, outer}


def test_a_pull_by_digest_asks_for_the_digest(server, store, other, access):
    """Also where a tag stands beside it."""
    image = make_image(store)
    push(store, image.digest, f"{server.host}/m:1", access=access)

    pulled = pull(f"{server.host}/m:gone@{image.digest}", other, access=access)

    assert pulled == image.digest


def test_the_tag_comes_last(server, store, access):
    """Whoever pulls finds the whole image, with its report, or the one before it."""
    image = make_image(store)
    make_image(store, seed=2, sizes=(50,), subject=plain(image))

    push(store, image.digest, f"{server.host}/m:1", access=access)

    puts = [one.path for one in server.seen if one.method == "PUT"]
    assert puts[-1] == "/v2/m/manifests/1"
    assert all("/blobs/" in path for path in puts[:-3])


def test_a_push_under_another_digest_is_refused(server, store, access):
    """The reference cannot name one image and hold another."""
    image = make_image(store)

    with pytest.raises(UsageError, match="another digest"):
        push(store, image.digest, f"{server.host}/m@sha256:{'0' * 64}", access=access)


def test_a_manifest_that_names_other_algorithms_is_refused(server, other, access):
    """Nothing but SHA-256 can be checked, and no path is made from what a registry says."""
    for bad in ("sha512:" + "0" * 128, "sha256:../../etc/passwd", "sha256:" + "A" * 64):
        named = {"mediaType": CONFIG, "digest": bad, "size": 2}
        content = digest.canonical({"schemaVersion": 2, "config": named, "layers": []})
        server.manifests["bad", digest.of_bytes(content)] = (content, MANIFEST)

        with pytest.raises(IntegrityError, match="SHA-256"):
            pull(f"{server.host}/bad@{digest.of_bytes(content)}", other, access=access)


def test_an_index_inside_itself_by_way_of_many_is_refused(server, other, access):
    """Nesting ends at a depth that nobody needs."""
    inner = digest.canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    for _ in range(12):
        server.manifests["deep", digest.of_bytes(inner)] = (inner, INDEX)
        entries = [_described(inner, INDEX)]
        inner = digest.canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    server.manifests["deep", digest.of_bytes(inner)] = (inner, INDEX)

    with pytest.raises(IntegrityError, match="too deep"):
        pull(f"{server.host}/deep@{digest.of_bytes(inner)}", other, access=access)


def test_tags_come_page_by_page(server, faults, store, access):
    """By the registry's own links."""
    faults.page = 2
    image = make_image(store)
    for number in range(5):
        push(store, image.digest, f"{server.host}/m:v{number}", access=access)

    with Client(parse(f"{server.host}/m"), PULL, access) as client:
        assert client.tags() == ["v0", "v1", "v2", "v3", "v4"]


def test_referrers_come_page_by_page(server, faults, store, access):
    """All of them, and by kind."""
    faults.page = 2
    image = make_image(store)
    for seed in range(2, 7):
        make_image(store, seed=seed, sizes=(10,), subject=plain(image))
    push(store, image.digest, f"{server.host}/m:1", access=access)

    with Client(parse(f"{server.host}/m"), PULL, access) as client:
        assert len(client.referrers.of(image.digest)) == 5
        assert client.referrers.of(image.digest, "application/other") == []


def _described(content, kind):
    return {"mediaType": kind, "digest": digest.of_bytes(content), "size": len(content)}
