"""An image for tests of engines, made of this machine's own programs."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from pathlib import Path

import msgspec

from sealift import digest, process
from sealift.clock import EPOCH
from sealift.errors import MachineError
from sealift.ports import Store
from sealift.record.image import CONFIG, LAYER, MANIFEST, Manifest
from sealift.types import Digest, Json

PROGRAMS = ("bash", "cat", "env", "id", "ls", "mkdir", "mv", "rm", "sleep", "touch", "uname")


def host_image(store: Store, env: dict[str, str] | None = None) -> Digest:
    """Put an image with bash as /bin/sh and a few programs into ``store``; its digest.

    ``env`` is what its configuration sets. Nothing is downloaded; the same machine makes the same
    image every time. Raises ``MachineError`` when a program is missing.
    """
    layer = _layer()
    settings: dict[str, Json] = {"Env": [f"{name}={value}" for name, value in (env or {}).items()]}
    configuration: Json = {
        "architecture": "amd64" if process.run(["uname", "-m"]).text == "x86_64" else "arm64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [digest.of_bytes(layer)]},
    }
    manifest = Manifest(
        config=store.put(digest.canonical(configuration), CONFIG), layers=(store.put(layer, LAYER),)
    )
    return store.put(msgspec.json.encode(manifest), MANIFEST).digest


def _layer() -> bytes:
    found = {name: shutil.which(name) for name in PROGRAMS}
    if missing := [name for name, path in found.items() if path is None]:
        raise MachineError(f"The test image needs {', '.join(missing)}, not on this machine.")
    files = {f"bin/{name}": Path(str(path)).resolve() for name, path in found.items()}
    for path in list(files.values()):
        files |= {library.lstrip("/"): Path(library).resolve() for library in _libraries(path)}
    folders = sorted({str(parent) for name in files for parent in Path(name).parents} - {"."})
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in [*folders, "etc", "opt"]:
            archive.addfile(_entry(name, tarfile.DIRTYPE))
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            archive.addfile(_entry(name, tarfile.REGTYPE, len(content)), io.BytesIO(content))
        shell = _entry("bin/sh", tarfile.SYMTYPE)
        shell.linkname = "bash"
        archive.addfile(shell)
    return whole.getvalue()


def _libraries(program: Path) -> list[str]:
    return re.findall(r"(?:=> )?(/\S+) \(0x", process.run(["ldd", program]).text)


def _entry(name: str, kind: bytes, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.mode, entry.mtime = kind, size, 0o755, EPOCH
    return entry


__all__ = ["host_image"]
