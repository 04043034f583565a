"""QEMU for another processor, from the same distribution as the images, checked as they are."""

from sealift.network.network import Network
from sealift.package import debs, sources
from sealift.package.fetch import Fetcher
from sealift.package.release import catalogue
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Variant

ARM = Variant(platform="linux/arm64")


def emulator(cache):
    """The program that runs programs for ARM; it needs no library of this machine."""
    network = Network()
    mirror = sources.mirror(network)
    with Fetcher(cache, network) as fetcher:
        offers = catalogue(mirror, ImageSettings().suite, "amd64", fetcher)
        deb = offers.newest("qemu-user").deb
        package = debs.read(fetcher.file(f"{mirror.main}/{deb.path}", deb.sha256))
    content = next(item.content for item in package.items if item.name == "usr/bin/qemu-aarch64")
    program = cache / f"qemu-aarch64-{deb.version.replace(':', '-')}"
    if not program.exists():
        part = program.with_suffix(".part")
        part.write_bytes(content)
        part.chmod(0o755)
        part.replace(program)
    return program
