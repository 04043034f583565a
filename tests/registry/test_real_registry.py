"""Debian's registry and skopeo agree with this client."""

import json

import pytest
from cutting_wire import CuttingWire
from registry_images import everything, make_image, make_index, make_real_image, plain

from programs import needs
from registry_programs import LOGIN, QUICK, run, write_login
from sealift.adapters.registries.client import PULL, PUSH, Client
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.errors import NotFoundError, RegistryError


def test_an_image_with_a_report_comes_back_as_it_was(registry, store, other, access):
    """This registry lists no referrers: the tag does."""
    image = make_image(store, sizes=(100, 0, 2_000_000))
    make_image(store, seed=2, sizes=(50,), subject=plain(image))
    reference = f"{registry}/whole:1"

    first = push(store, image.digest, reference, access=access)
    again = push(store, image.digest, reference, access=access)
    pulled = pull(reference, other, access=access)

    assert (first.sent_blobs, first.manifests, first.referrers) == (6, 3, 1)
    assert (again.sent_blobs, again.manifests) == (0, 0)
    assert everything(other, pulled) == everything(store, image.digest)
    assert [one.digest for one in other.referrers(pulled)] == [
        one.digest for one in store.referrers(image.digest)
    ]


def test_chunks_arrive_in_order(registry, store, other):
    """An upload in many requests."""
    image = make_image(store, seed="chunks", sizes=(1_000_000,))
    access = Access(retry=QUICK, chunk=300_000)

    push(store, image.digest, f"{registry}/chunks:1", access=access)

    assert pull(f"{registry}/chunks:1", other, access=access) == image.digest


@pytest.mark.parametrize("chunk", [0, 1_000_000])
def test_a_cut_upload_is_finished(registry, store, other, chunk):
    """In one request or in parts: cut twice, and whole in the end."""
    image = make_image(store, seed=f"cut {chunk}", sizes=(5_000_000,))
    access = Access(retry=QUICK, chunk=chunk)

    with CuttingWire(registry, cuts=[2_000_000, 500_000]) as wire:
        pushed = push(store, image.digest, f"{wire.host}/cut-{chunk}:1", access=access)
        assert not wire.cuts

    assert pushed.sent_blobs == 2
    assert pull(f"{registry}/cut-{chunk}:1", other, access=access) == image.digest
    assert everything(other, image.digest) == everything(store, image.digest)


def test_a_cut_download_is_finished(registry, store, other, access):
    """From where it was."""
    image = make_image(store, seed="cut back", sizes=(5_000_000,))
    push(store, image.digest, f"{registry}/cut-back:1", access=access)

    with CuttingWire(registry, back=[2_000_000, 1_000_000]) as wire:
        pull(f"{wire.host}/cut-back:1", other, access=access)
        assert not wire.back

    assert everything(other, image.digest) == everything(store, image.digest)


def test_blobs_are_mounted_from_another_repository(registry, store, access):
    """They are not sent again."""
    image = make_image(store, seed="mount", sizes=(500_000,))
    push(store, image.digest, f"{registry}/here:1", access=access)

    pushed = push(
        store,
        image.digest,
        f"{registry}/there:1",
        access=Access(retry=QUICK, sources=("here",)),
    )

    assert (pushed.mounted_blobs, pushed.sent_blobs) == (2, 0)


def test_a_download_goes_on_where_it_was(registry, store, other, access):
    """The registry serves ranges."""
    image = make_image(store, seed="resume", sizes=(2_000_000,))
    layer = store.manifest(image.digest).layers[0]
    push(store, image.digest, f"{registry}/resume:1", access=access)
    folder = other.root / "partial"
    folder.mkdir(parents=True)
    with store.open(layer.digest) as stream:
        (folder / layer.digest[7:]).write_bytes(stream.read()[:1_500_000])

    pull(f"{registry}/resume:1", other, access=access)

    assert everything(other, image.digest) == everything(store, image.digest)


def test_what_is_deleted_is_gone(registry, store, access):
    """Manifest and blob."""
    image = make_image(store, seed="gone")
    layer = store.manifest(image.digest).layers[0].digest
    push(store, image.digest, f"{registry}/gone:1", access=access)

    with Client(parse(f"{registry}/gone"), PUSH, access) as client:
        assert client.tags() == ["1"]
        client.manifests.delete(image.digest)
        client.delete_blob(layer)

        assert client.manifests.head(image.digest) is None
        assert not client.has(layer)
        with pytest.raises(NotFoundError):
            client.manifests.get("1")


def test_a_login_is_found_and_used(private_registry, store, other, home, access):
    """By the file that docker and podman write."""
    image = make_image(store, seed="login")
    reference = f"{private_registry}/team/login:1"
    with pytest.raises(RegistryError, match="no credentials") as caught:
        push(store, image.digest, reference, access=access)
    assert private_registry in caught.value.what
    assert str(home / ".docker" / "config.json") in caught.value.remedy

    write_login(home, private_registry, *LOGIN)
    push(store, image.digest, reference, access=access)
    assert pull(reference, other, access=access) == image.digest

    write_login(home, private_registry, "pilot", "wrong")
    with pytest.raises(RegistryError, match=r"does not accept the credentials from .*config.json"):
        pull(reference, other, access=access)


def test_skopeo_copies_what_was_pushed(registry, store, tmp_path, access):
    """It sees the same digest, and the copy holds the same blobs."""
    needs("skopeo")
    one = make_image(store, seed="skopeo", sizes=(1000, 300_000))
    index = make_index(store, one, make_image(store, seed="skopeo 2"))
    push(store, index.digest, f"{registry}/skopeo:1", access=access)
    source = f"docker://{registry}/skopeo:1"

    seen = run("skopeo", "inspect", "--tls-verify=false", "--raw", source)
    inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", source))
    words = ("--src-tls-verify=false", "--insecure-policy", "--all", "--preserve-digests")
    run("skopeo", "copy", *words, source, f"oci:{tmp_path / 'copy'}:1")

    with store.open(index.digest) as stream:
        assert seen == stream.read()
    assert inspected["Layers"] == [layer.digest for layer in store.manifest(one.digest).layers]
    assert inspected["Digest"] == index.digest
    copied = {path.name for path in (tmp_path / "copy" / "blobs" / "sha256").iterdir()}
    assert copied == {name[7:] for name in everything(store, index.digest)}


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_what_skopeo_pushes_is_pulled(registry, store, other, tmp_path, form):
    """In the format of OCI, and in that of Docker."""
    needs("skopeo")
    access = Access(retry=QUICK)
    image = make_real_image(store)
    store.tag("it", image)
    words = ("--dest-tls-verify=false", "--insecure-policy", f"--format={form}")
    target = f"{registry}/from-skopeo-{form}:1"
    run("skopeo", "copy", *words, f"oci:{store.root}:it", f"docker://{target}")

    pulled = pull(target, other, access=access)

    seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{target}"))
    assert seen["Digest"] == pulled
    assert seen["Layers"] == [layer.digest for layer in other.manifest(pulled).layers]
    assert (other.rootfs(pulled) / "greeting").read_text() == "hello"


def test_skopeo_deletes_and_this_client_sees_it(registry, store, access):
    """Both speak of the same thing."""
    needs("skopeo")
    image = make_image(store, seed="skopeo deletes")
    push(store, image.digest, f"{registry}/skopeo-deletes:1", access=access)

    run("skopeo", "delete", "--tls-verify=false", f"docker://{registry}/skopeo-deletes:1")

    with Client(parse(f"{registry}/skopeo-deletes"), PULL, access) as client:
        assert client.manifests.head("1") is None
