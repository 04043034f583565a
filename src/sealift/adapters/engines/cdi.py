"""Graphics cards by their CDI specifications: which there are, and what each puts into a container.

The Container Device Interface (CNCF, version 1.1.0): whoever installs a driver writes files in
``/etc/cdi``, or in ``/var/run/cdi`` where they are made at every start of the machine, in JSON or
YAML. Each has devices of one kind (VENDOR/CLASS), with edits of the container for every device and
for all of them. What the later folder says of a device counts.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import msgspec

from sealift.errors import MachineError
from sealift.record.container import Cards

FOLDERS = (Path("/etc/cdi"), Path("/var/run/cdi"))
CARDS = "/gpu"
"""The class of devices that graphics cards are."""
COMMON = "nvidia.com/gpu"
ALL = "all"
"""The device that vendors name so is all of the others."""


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """A device file: where it is to be, and where it is on the machine if that is elsewhere."""

    path: str
    host_path: str = ""


class Bind(msgspec.Struct, frozen=True, rename="camel"):
    """A file or folder of the machine in the container."""

    host_path: str
    container_path: str
    type: str = ""
    options: tuple[str, ...] = ()


class Hook(msgspec.Struct, frozen=True, rename="camel"):
    """A program of the vendor that a runtime calls while it makes the container."""

    hook_name: str
    path: str
    args: tuple[str, ...] = ()


class Edits(msgspec.Struct, frozen=True, rename="camel"):
    """What is put into a container."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[Node, ...] = ()
    mounts: tuple[Bind, ...] = ()
    hooks: tuple[Hook, ...] = ()

    def plus(self, other: Edits) -> Edits:
        """Both, the other ones last."""
        return Edits(
            env=self.env + other.env,
            device_nodes=self.device_nodes + other.device_nodes,
            mounts=self.mounts + other.mounts,
            hooks=self.hooks + other.hooks,
        )


class _Device(msgspec.Struct, frozen=True, rename="camel"):
    name: str | int
    container_edits: Edits = Edits()


class _Specification(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    devices: tuple[_Device, ...]
    container_edits: Edits = Edits()


@dataclass(frozen=True)
class Given:
    """Cards for a container: their full names, and what they put into it."""

    names: tuple[str, ...]
    edits: Edits


class Devices:
    """The graphics cards of this machine, handed out to the containers of this process.

    Where those of several vendors are described, NVIDIA's count, else the first by name.
    """

    def __init__(self, folders: Sequence[Path] = FOLDERS) -> None:
        self._folders = tuple(folders)
        self._lock, self._used = Lock(), Counter[str]()

    def count(self) -> int:
        """How many there are."""
        return len(_single(self._known()[1]))

    @contextmanager
    def lent(self, asked: Cards) -> Iterator[Given]:
        """Cards for the block, those that are least used. Raises ``MachineError``: too few."""
        if not asked:
            yield Given((), Edits())
            return
        kind, known = self._known()
        single = _single(known)
        number = max(1, len(single)) if asked == "all" else asked
        if number > len(single):
            raise self._missing(asked, len(single))
        with self._lock:
            least = sorted(single, key=lambda name: self._used[name])
            names = tuple(sorted(least[:number], key=_place))
            self._used.update(names)
        try:
            yield _given(kind, known, names)
        finally:
            with self._lock:
                self._used.subtract(names)

    def _known(self) -> tuple[str, dict[str, tuple[_Specification, _Device]]]:
        """The kind of the cards, and by name each with the file that describes it."""
        kinds: dict[str, dict[str, tuple[_Specification, _Device]]] = {}
        for folder in self._folders:
            for found in _specifications(folder):
                if found.kind.endswith(CARDS):
                    devices = {str(one.name): (found, one) for one in found.devices}
                    kinds.setdefault(found.kind, {}).update(devices)
        kind = COMMON if COMMON in kinds else min(kinds, default="")
        return kind, kinds.get(kind, {})

    def _missing(self, asked: Cards, there: int) -> MachineError:
        return MachineError(
            f"A container asks for graphics cards ({asked}); this machine describes {there}.",
            where=", ".join(map(str, self._folders)),
            remedy="Have the driver's installer describe them: `nvidia-ctk cdi generate "
            "--output=/etc/cdi/nvidia.yaml`.",
        )


def _specifications(folder: Path) -> Iterator[_Specification]:
    """The files of a folder that can be read; those of other versions or vendors harm nobody."""
    for path in sorted(folder.glob("*")):
        if path.suffix not in (".json", ".yaml"):
            continue
        try:
            yield _read(path, path.stat().st_mtime_ns)
        except (OSError, ValueError):  # msgspec's errors are ValueErrors
            continue


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> _Specification:
    """A file as it was when it was last ``changed``; one of a real driver takes a while."""
    del changed
    content = path.read_bytes()
    if path.suffix == ".json":
        return msgspec.json.decode(content, type=_Specification)
    # every command that runs a container would load it, and hardly any machine has such a file
    yaml = importlib.import_module("yaml")
    try:
        return msgspec.convert(yaml.safe_load(content.decode()), _Specification)
    except yaml.YAMLError as error:
        raise ValueError(path) from error


def _single(known: dict[str, tuple[_Specification, _Device]]) -> list[str]:
    """The names that stand for one card each: by number where there are numbers, else any."""
    numbers = [name for name in known if re.fullmatch(r"\d+(:\d+)?", name)]
    return sorted(numbers or (name for name in known if name != ALL), key=_place)


def _place(name: str) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", name)], name


def _given(
    kind: str, known: dict[str, tuple[_Specification, _Device]], names: Sequence[str]
) -> Given:
    edits, seen = Edits(), list[_Specification]()
    for name in names:
        whole, device = known[name]
        if whole not in seen:
            seen.append(whole)
            edits = edits.plus(whole.container_edits)
        edits = edits.plus(device.container_edits)
    return Given(tuple(f"{kind}={name}" for name in names), edits)


__all__ = ["Bind", "Devices", "Edits", "Given", "Hook", "Node"]
