"""From what is asked for to the command line that podman and docker share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sealift.adapters.engines.marks import Mark
from sealift.errors import UsageError
from sealift.record.container import ContainerSpec, Guarantees, Mount

MARK = "sealift.engine.mark"
LIVE = "sealift.engine.live"

SCRATCH = "rw,exec,nosuid,nodev,mode=1777"
"""The options of a folder that may be written and is gone with the container."""

ISOLATION = (
    *("--pull=never", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"),
    # A security module would hide the user's own folders, and relabelling them is not ours to do.
    *("--security-opt=label=disable",),
    # What is removed is killed at once; a stop that shall wait says so itself.
    *("--stop-timeout=0",),
    *(f"--tmpfs=/tmp:{SCRATCH}",),
)


def title(name: str, identifier: str) -> str:
    """What the container is called on the engine's side: readable and unique.

    >>> title("flights v3", "0123456789abcdef")
    'flights-v3-0123456789ab'
    """
    return f"{re.sub(r'[^a-zA-Z0-9_.-]+', '-', name).strip('-._') or 'sealift'}-{identifier[:12]}"


def arguments(
    spec: ContainerSpec,
    *,
    mark: Mark,
    image: str,
    user: Sequence[str],
    env_file: Path,
    mounts: Sequence[Mount],
    guarantees: Guarantees,
    empty: str = SCRATCH,
) -> list[str]:
    """The options, the image and the program of ``create`` or ``run``, without further options.

    ``image`` is the engine's own name of it, ``user`` the options that say who the program is.
    ``empty`` are the options of a folder to write, which must not show what the image has there.
    Limits that the machine cannot enforce are left out, since the engine would refuse them.
    """
    limits = []
    if spec.memory is not None and guarantees.memory_limited:
        limits.append(f"--memory={spec.memory}b")
    if spec.cpus is not None and guarantees.cpu_limited:
        limits.append(f"--cpus={spec.cpus:g}")
    return [
        *ISOLATION,
        *user,
        *limits,
        f"--name={title(mark.name, mark.id)}",
        f"--network={spec.network}",
        f"--hostname={(spec.hostname or spec.name)[:63]}",
        f"--workdir={spec.workdir}",
        f"--label={MARK}={mark.text()}",
        f"--label={LIVE}={mark.live}",
        f"--env-file={env_file}",
        *(f"--tmpfs={_plain(folder)}:{empty}" for folder in spec.scratch),
        *(f"--volume={_volume(mount)}" for mount in mounts),
        f"--entrypoint={spec.argv[0]}",
        image,
        *spec.argv[1:],
    ]


def _volume(mount: Mount) -> str:
    return f"{_plain(mount.source)}:{_plain(mount.target)}:{'rw' if mount.writable else 'ro'}"


def _plain(path: str) -> str:
    if ":" in path:
        raise UsageError(
            "podman and docker cannot mount a path with a colon in it.",
            where=path,
            remedy="Rename the folder, or use bubblewrap.",
        )
    return path


def lines(env: dict[str, str], name: str) -> str:
    """An environment as a file, which other users of the machine cannot read in a process list.

    Raises ``UsageError`` for a value of several lines, which such a file cannot carry.
    """
    for variable, value in env.items():
        if "\n" in value or "\0" in value:
            raise UsageError(
                f"The variable {variable} of the container {name!r} has more than one line.",
                remedy="Put it into a file and mount that, or use bubblewrap.",
            )
    return "".join(f"{variable}={value}\n" for variable, value in sorted(env.items()))


__all__ = ["LIVE", "MARK", "SCRATCH", "arguments", "lines", "title"]
