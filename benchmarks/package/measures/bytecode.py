"""Whether bytecode in the image is worth its bytes: start to ready with and without, and sizes.

Compiled as PEP 552 has it for files that must repeat: unchecked hashes in place of times.
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
PLACES = ("usr/local/lib/python3.13", "usr/lib/python3.13", "opt/sealift")
_DOCKERFILE = "FROM {image}\nCOPY root/ /\n"


def measure(field: Field) -> list[Result]:
    """Our image as it is, and the same image with bytecode above it, in the same engine."""
    podman = field.builders.get("podman")
    if podman is None:
        raise program.FailedError("podman is not here, which starts every image")
    plain = field.reference(field.ours, "bytecode")
    field.ours.deliver(plain)
    podman.run("pull", "--tls-verify=false", "--quiet", plain)
    folder = scratch("bytecode")
    compiled = [compile_all(podman, plain, folder / str(seed), seed) for seed in (1, 2)]
    image = with_bytecode(podman, plain, compiled[0])
    times: dict[str, list[float]] = {"ours": [], "with bytecode": []}
    for _ in range(field.repeats):
        times["ours"].append(ready(podman, plain))
        times["with bytecode"].append(ready(podman, image))
    sizes = {"with bytecode": [program.size_of(compiled[0]) / 1e6], "ours": [0.0]}
    packed = {"with bytecode": [packed_size(compiled[0]) / 1e6], "ours": [0.0]}
    alike = {"with bytecode": [100.0 * same_files(*compiled)], "ours": [100.0]}
    return [
        result("bytecode: start to ready", times, field.where),
        result("bytecode: bytes more in the image", sizes, field.where, unit="MB"),
        result("bytecode: bytes more to send, zstd", packed, field.where, unit="MB"),
        result("bytecode: files alike over two hash seeds", alike, field.where, unit="%",
            better="more"),
    ]  # fmt: skip


def compile_all(podman: Builder, image: str, folder: Path, seed: int) -> Path:
    """The bytecode of everything in the image, compiled by the image's own interpreter."""
    root = folder / "root"
    root.mkdir(parents=True)
    mounted = podman.run("image", "mount", image).strip()
    for place in PLACES:
        shutil.copytree(Path(mounted) / place, root / place, symlinks=True)
    podman.run("image", "unmount", image)
    options = ["--rm", "--network", "none", "--user", "0:0"]
    options += ["--env", f"PYTHONHASHSEED={seed}", "--entrypoint", "/usr/bin/python3"]
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


def same_files(one: Path, other: Path) -> float:
    """The share of files with the same bytes."""
    files = [path.relative_to(one) for path in sorted(one.rglob("*.pyc"))]
    alike = sum((one / name).read_bytes() == (other / name).read_bytes() for name in files)
    return alike / len(files)


__all__ = ["measure"]
