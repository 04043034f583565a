"""Images of random bytes to send about."""

import io
import random
import tarfile

import msgspec

from sealift import digest
from sealift.record.image import BUNDLE, CONFIG, EMPTY, INDEX, LAYER, MANIFEST, Descriptor, Manifest


def noise(seed, size):
    """Bytes that no registry has seen."""
    return random.Random(seed).randbytes(size)


def make_image(store, *, seed=1, sizes=(300, 200_000), shared=(), subject=None, notes=None):
    """An image of random layers, or what refers to ``subject``."""
    contents = [*shared, *(noise(f"{seed}/{at}", size) for at, size in enumerate(sizes))]
    layers = tuple(store.put(content, LAYER) for content in contents)
    config = b"{}" if subject else b'{"architecture":"amd64","os":"linux","rootfs":{}}'
    manifest = Manifest(
        artifact_type=BUNDLE if subject else None,
        config=store.put(config, EMPTY if subject else CONFIG),
        layers=layers,
        subject=subject,
        annotations=notes,
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)


def make_index(store, *images):
    """An index of images for the platforms linux/amd64, linux/arm64 and so on."""
    names = ("amd64", "arm64", "riscv64")
    entries = [
        msgspec.structs.replace(one, platform={"os": "linux", "architecture": name})
        for one, name in zip(images, names, strict=False)
    ]
    content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": msgspec.to_builtins(entries)}
    return store.put(digest.canonical(content), INDEX)


def plain(kept):
    """A descriptor to be a subject."""
    return Descriptor(media_type=kept.media_type, digest=kept.digest, size=kept.size)


def everything(store, address, seen=None):
    """Every blob that an image in a store consists of, by digest, read and checked."""
    with store.open(address) as stream:
        content = stream.read()
    found = {address: content}
    manifest = msgspec.json.decode(content)
    named = [*manifest.get("layers", []), *manifest.get("manifests", [])]
    for one in [*named, *filter(None, [manifest.get("config")])]:
        if one in manifest.get("manifests", []):
            found |= everything(store, one["digest"])
            continue
        with store.open(one["digest"]) as stream:
            found[one["digest"]] = stream.read()
    return found


def make_real_image(store):
    """An image with one file that can be unpacked."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in (("greeting", b"hello"), ("noise", noise("real", 100_000))):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    layer = store.put(packed.getvalue(), LAYER)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    }
    manifest = Manifest(config=store.put(digest.canonical(config), CONFIG), layers=(layer,))
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)
