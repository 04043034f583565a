"""Putting graphics cards into a container without a runtime that knows CDI.

A runtime calls the vendor's hooks as root inside the new container; where nobody is root, what
they would do is done otherwise. NVIDIA's (Container Toolkit, ``nvidia-cdi-hook``) make links and
tell the dynamic linker about folders.
"""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sealift.adapters.engines.cdi import Bind, Edits, Hook
from sealift.errors import MachineError
from sealift.record.container import Mount

HARMLESS = ("chmod", "disable-device-node-modification", "enable-cuda-compat")
"""Hooks that a container without root and on a read-only image does not need."""
LIBRARIES = "LD_LIBRARY_PATH"
OTHER = "Use podman or docker, which call the vendor's hooks: engine.name in sealift.toml."


@dataclass(frozen=True)
class Injection:
    """What goes into a container: device files, mounts and links by path, and variables."""

    nodes: dict[str, str]
    mounts: tuple[Mount, ...]
    links: dict[str, str]
    env: dict[str, str]


def injection(edits: Edits, image: Mapping[str, str]) -> Injection:
    """What the edits come to, in an image with these variables.

    Raises ``MachineError`` for what is not on this machine, and for what only a runtime can do.
    """
    nodes = {one.path: one.host_path or one.path for one in edits.device_nodes}
    for host in (*nodes.values(), *(one.host_path for one in edits.mounts)):
        if not Path(host).exists():
            raise MachineError(
                "What a graphics card needs is not on this machine.",
                where=host,
                remedy="Its CDI specification is out of date; after another driver came, write it "
                "anew: `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`.",
            )
    folders = [folder for hook in edits.hooks for folder in _folders(hook)]
    links = dict(pair for hook in edits.hooks for pair in _links(hook))
    links |= {
        path: name for one in edits.mounts if folders for path, name in _soname(one) if path != name
    }
    env = dict(_pair(text) for text in edits.env)
    if folders:
        there = env.get(LIBRARIES, image.get(LIBRARIES, ""))
        env[LIBRARIES] = ":".join(dict.fromkeys([*folders, *filter(None, [there])]))
    taken = {one.container_path for one in edits.mounts}
    return Injection(
        nodes=nodes,
        mounts=tuple(map(_mount, edits.mounts)),
        links={path: name for path, name in links.items() if path not in taken},
        env=env,
    )


def _mount(one: Bind) -> Mount:
    if one.type not in ("", "none", "bind"):
        raise MachineError(
            f"bubblewrap cannot mount {one.type} for a graphics card.",
            where=one.container_path,
            remedy=OTHER,
        )
    writable = "ro" not in one.options
    return Mount(source=one.host_path, target=one.container_path, writable=writable)


def _folders(hook: Hook) -> Iterator[str]:
    """Where the dynamic linker is to look."""
    command, options = _command(hook)
    if command == "update-ldcache":
        yield from options.get("folder", ())


def _links(hook: Hook) -> Iterator[tuple[str, str]]:
    """Links, each a path with what it leads to; raises ``MachineError`` for an unknown hook."""
    command, options = _command(hook)
    if command == "create-symlinks":
        for link in options.get("link", ()):
            aim, _, path = link.partition("::")
            yield path, aim
    elif command not in ("update-ldcache", *HARMLESS):
        raise MachineError(
            f"A graphics card wants {hook.path} called ({command}), which bubblewrap cannot.",
            where=" ".join(hook.args),
            remedy=OTHER,
        )


def _command(hook: Hook) -> tuple[str, dict[str, list[str]]]:
    """The command of a hook's program and its options, each with its values.

    Options are written ``--name value`` or ``--name=value``.
    """
    words = [word for word in hook.args[1:] if word != "hook"]
    command, options, name = "", dict[str, list[str]](), ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            if value:
                options.setdefault(name, []).append(value)
        elif name:
            options.setdefault(name, []).append(word)
            name = ""
        elif not command:
            command = word
    return command or (Path(hook.path).name), options


def _soname(one: Bind) -> Iterator[tuple[str, str]]:
    """The link by which the dynamic linker finds a library: its own name of itself."""
    path = Path(one.host_path)
    if ".so" not in path.name or not path.is_file():
        return
    if name := soname(path):
        folder, file = posixpath.split(one.container_path)
        if name != file:
            yield posixpath.join(folder, name), file


def soname(library: Path) -> str:
    """What a library calls itself (ELF, DT_SONAME); nothing where it is none, or has no name."""
    # every command that runs a container would load it, and hardly any asks for a card
    elf = importlib.import_module("elftools.elf.elffile")
    errors = importlib.import_module("elftools.common.exceptions")
    try:
        with library.open("rb") as stream:
            for section in elf.ELFFile(stream).iter_sections("SHT_DYNAMIC"):
                found = next(section.iter_tags("DT_SONAME"), None)
                return str(found.soname) if found else ""
    except (OSError, errors.ELFError):
        pass
    return ""


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


NOTHING = Injection(nodes={}, mounts=(), links={}, env={})

__all__ = ["NOTHING", "Injection", "injection", "soname"]
