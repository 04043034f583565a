"""An image of others as what Sealift's images stand on: what it has, told by its files alone.

Nothing in it is run. Its interpreter is found in the folders of its PATH by the name that has the
version in it, and the folder of wheels by where that program lies: Debian's own looks below
/usr/local (Debian Python Policy, 2.5), any other below its own prefix (PEP 370, ``sys.prefix``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from sealift.errors import IntegrityError, PackageError, ProjectError
from sealift.package import closure, linker
from sealift.package.filetree import FileTree
from sealift.package.linker import Machine
from sealift.ports import Store
from sealift.record.image import LAYER, LAYER_GZIP, LAYER_ZSTD, Descriptor, Layer
from sealift.record.lock import Foundation
from sealift.types import Digest

WHERE = "sealift.toml: image.base"
PLACES = (
    *("checkpoints", "dev", "in", "model", "out", "proc", "project", "records", "run", "sys"),
    *("tmp", "var/tmp"),
)
"""Where engines mount something, on a root that is read-only."""
_DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
_KINDS = {
    **{kind: kind for kind in (LAYER, LAYER_GZIP, LAYER_ZSTD)},
    _DOCKER: LAYER,
    f"{_DOCKER}.gzip": LAYER_GZIP,
    f"{_DOCKER}.zstd": LAYER_ZSTD,
}
_PATH = "/usr/local/bin:/usr/bin:/bin"
_MINORS = range(4, 40)
_MODULES = ("os.py", "asyncio/__init__.py", "ctypes/__init__.py", "json/__init__.py", "ssl.py")
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


class _Process(msgspec.Struct, frozen=True, rename="pascal"):
    env: tuple[str, ...] | None = None


class _Root(msgspec.Struct, frozen=True):
    diff_ids: tuple[Digest, ...]


class _Config(msgspec.Struct, frozen=True):
    os: str
    architecture: str
    rootfs: _Root
    config: _Process | None = None


class _Python(NamedTuple):
    """An interpreter: its program, and where it looks for wheels."""

    program: str
    packages: str


def survey(
    image: Digest,
    store: Store,
    platform: str,
    python: str,
    tree_of: Callable[[Sequence[Layer]], FileTree],
) -> Foundation:
    """What an image in the store has for images that stand on it.

    ``python`` is the version of the interpreter, such as ``3.13``; ``tree_of`` gives the files of
    layers. Raises ``PackageError`` for an image of another platform or without glibc, and
    ``ProjectError`` for one without this interpreter.
    """
    config, layers = _read(image, store)
    if f"{config.os}/{config.architecture}" != platform:
        raise _unfit(
            f"The base runs on {config.os}/{config.architecture}, not on {platform}.",
            "Name an index that has an image for it, or take it off image.platforms.",
        )
    tree, machine = tree_of(layers), linker.MACHINES[platform]
    env = (config.config.env if config.config else None) or ()
    given = dict(one.partition("=")[::2] for one in env)
    found = _python(tree, machine, python, given.get("PATH") or _PATH)
    told = given.get("PYTHON_VERSION", "")
    return Foundation(
        image=image,
        layers=layers,
        env=env,
        python=found.program,
        version=told if told.startswith(f"{python}.") else python,
        packages=found.packages,
        glibc=_glibc(tree, machine, found.program),
        shell=tree.find("bin/sh") is not None,
        certificates=tree.find(_BUNDLE) is not None,
        folders=tuple(name for name in PLACES if tree.folder(name) == name),
        links=tuple(_links(tree, found.program)),
    )


def _read(image: Digest, store: Store) -> tuple[_Config, tuple[Layer, ...]]:
    """The configuration of an image, and its layers in the words of OCI: the same blobs."""
    manifest = store.manifest(image)
    with store.open(manifest.config.digest) as blob:
        content = blob.read()
    try:
        config = msgspec.json.decode(content, type=_Config)
    except msgspec.MsgspecError as error:
        raise _unfit(
            f"The base is no image of a file system: {error}.",
            "Name an image that a container can be started from.",
        ) from error
    if odd := [one.media_type for one in manifest.layers if one.media_type not in _KINDS]:
        raise _unfit(
            f"The base has a layer of the type {odd[0]!r}, which cannot be read.",
            "Copy it into the OCI format, with layers in gzip or zstd.",
        )
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise IntegrityError("The base and its configuration differ in layers.", where=image)
    found = zip(manifest.layers, config.rootfs.diff_ids, strict=True)
    return config, tuple(
        Layer(
            descriptor=Descriptor(
                media_type=_KINDS[one.media_type], digest=one.digest, size=one.size
            ),
            diff_id=diff_id,
            role="base",
            holds=str(number),
        )
        for number, (one, diff_id) in enumerate(found, start=1)
    )


def _python(tree: FileTree, machine: Machine, version: str, path: str) -> _Python:
    """The interpreter of a version, with a whole standard library."""
    program = _program(tree, version, path)
    if program is None:
        there = [f"3.{minor}" for minor in _MINORS if _program(tree, f"3.{minor}", path)]
        told = f"it has {' and '.join(there)}" if there else "nor any other"
        raise ProjectError(
            f"The base has no Python {version} in {path}, {told}.",
            where=WHERE,
            remedy=f'Write python = "{there[-1]}" in [image], or name another base.'
            if there
            else "Name a base that has one; Debian's is python3, with libpython3-stdlib.",
        )
    elf = tree.elves.get(program)
    if elf is None or not machine.runs(elf):
        raise _unfit(
            f"/{program} of the base is no program for {machine.platform}.",
            "Name a base whose interpreter is a program, not a script that starts one.",
        )
    prefix = posixpath.dirname(posixpath.dirname(program))
    library = f"{prefix}/lib/python{version}".lstrip("/")
    if lacks := [one for one in _MODULES if tree.find(f"{library}/{one}") is None]:
        raise _unfit(
            f"The Python of the base lacks {', '.join(lacks)} in its library, /{library}.",
            f"Name a base that has all of it; Debian's is in libpython{version}-stdlib.",
        )
    debian = prefix == "usr" and program in tree.debs
    own = f"{library}/site-packages"
    return _Python(program, f"usr/local/lib/python{version}/dist-packages" if debian else own)


def _program(tree: FileTree, version: str, path: str) -> str | None:
    """The file that a version's interpreter is, links followed."""
    places = (f"{folder}/python{version}" for folder in path.split(":") if folder)
    return next((found for place in places if (found := tree.find(place))), None)


def _glibc(tree: FileTree, machine: Machine, program: str) -> int:
    found = closure.glibc(tree, machine)
    if "musl" in tree.elves[program].interpreter:
        raise _unfit(
            "The Python of the base is made for musl, and the wheels that the server needs (numpy, "
            "onnxruntime) are made for glibc.",
            "Name a base with glibc, such as one of Debian instead of Alpine.",
        )
    if found is None:
        raise _unfit("The base has no glibc.", "Name a base of a distribution that has it.")
    return found


def _links(tree: FileTree, program: str) -> list[str]:
    """The names that have to lead to the interpreter, and do not."""
    always = ("usr/bin/python", "usr/bin/python3")
    # these come first in the PATH
    first = [one for one in ("usr/local/bin/python", "usr/local/bin/python3") if tree.find(one)]
    return [one for one in (*always, *first) if tree.find(one) != program]


def _unfit(what: str, remedy: str) -> PackageError:
    return PackageError(what, where=WHERE, remedy=remedy)


__all__ = ["PLACES", "WHERE", "survey"]
