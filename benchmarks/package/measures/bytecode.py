"""Whether bytecode in the image is worth its bytes: start to ready with and without, and sizes.

Beside it the bytecode of everything, compiled as PEP 552 has it for files that must repeat:
unchecked hashes in place of times.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import zstandard

from benchmarks import program
from benchmarks.package.builders import Builder
from benchmarks.package.field import Field, scratch
from benchmarks.package.measures.image import ready
from benchmarks.result import Result, result

_COMPILE = ("-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash")
ALL, WITHOUT = "bytecode of everything", "without bytecode"
PLACES = ("usr/local/lib/python3.13", "usr/lib/python3.13", "opt/sealift")
_DOCKERFILE = "FROM {image}\nCOPY root/ /\n"


def measure(field: Field) -> list[Result]:
    """Our image as it is, one without, and that with bytecode of everything, in the same engine."""
    podman = field.builders.get("podman")
    if podman is None:
        raise program.FailedError("podman is not here, which starts every image")
    own, plain = delivered(field, podman, wanted=True), delivered(field, podman, wanted=False)
    compiled = compile_all(podman, plain, scratch("bytecode"))
    images = {"ours": own, WITHOUT: plain, ALL: with_bytecode(podman, plain, compiled)}
    times: dict[str, list[float]] = {name: [] for name in images}
    for _ in range(field.repeats):
        for name, image in images.items():
            times[name].append(ready(podman, image))
    sizes = {
        "ours": [unpacked(podman, own) - unpacked(podman, plain)],
        WITHOUT: [0.0],
        ALL: [program.size_of(compiled) / 1e6],
    }
    sent = {
        "ours": [packed(field, wanted=True) - packed(field, wanted=False)],
        WITHOUT: [0.0],
        ALL: [packed_size(compiled) / 1e6],
    }
    return [
        result("bytecode: start to ready", times, field.where),
        result("bytecode: bytes more in the image", sizes, field.where, unit="MB"),
        result("bytecode: bytes more to send, zstd", sent, field.where, unit="MB"),
    ]


def delivered(field: Field, podman: Builder, *, wanted: bool) -> str:
    """Our image with bytecode or without, in the storage of the engine."""
    field.ours.set_bytecode(wanted=wanted)
    try:
        reference = field.reference(field.ours, name_of(wanted=wanted))
        field.ours.deliver(reference)
    finally:
        field.ours.set_bytecode(wanted=True)
    podman.run("pull", "--tls-verify=false", "--quiet", reference)
    return reference


def name_of(*, wanted: bool) -> str:
    """The repository of our image with bytecode or without."""
    return "bytecode" if wanted else "no-bytecode"


def unpacked(podman: Builder, image: str) -> float:
    """The megabytes of all files of an image, as the engine counts them."""
    return int(podman.run("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def packed(field: Field, *, wanted: bool) -> float:
    """The megabytes of the layers of our image, as the registry has them."""
    repository = field.repository(field.ours, name_of(wanted=wanted))
    layers = field.registry.manifest(repository, "1")["layers"]
    return float(sum(one["size"] for one in layers)) / 1e6


def compile_all(podman: Builder, image: str, folder: Path) -> Path:
    """The bytecode of everything in the image, compiled by the image's own interpreter."""
    root = folder / "root"
    root.mkdir(parents=True)
    mounted = podman.run("image", "mount", image).strip()
    for place in PLACES:
        shutil.copytree(Path(mounted) / place, root / place, symlinks=True)
    podman.run("image", "unmount", image)
    options = ["--rm", "--network", "none", "--user", "0:0"]
    options += ["--env", "PYTHONHASHSEED=1", "--entrypoint", "/usr/bin/python3"]
    binds = [word for place in PLACES for word in ("--volume", f"{root / place}:/{place}")]
    podman.run("run", *options, *binds, image, *_COMPILE, *(f"/{place}" for place in PLACES))
    for path in root.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            path.unlink()
    return root


def with_bytecode(podman: Builder, image: str, root: Path) -> str:
    """The image with this bytecode in a layer of its own."""
    context = root.parent
    (context / "Dockerfile").write_text(_DOCKERFILE.format(image=image))
    made = "localhost/bench/bytecode:latest"
    podman.build(context, made)
    return made


def packed_size(root: Path) -> int:
    """The bytes of all files as one zstd frame, at the level of layers."""
    whole = zstandard.ZstdCompressor(level=3).compressobj()
    files = sorted(path for path in root.rglob("*.pyc"))
    return sum(len(whole.compress(path.read_bytes())) for path in files) + len(whole.flush())


__all__ = ["measure"]
