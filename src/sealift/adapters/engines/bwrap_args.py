"""From what is asked for to the command line of bubblewrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sealift.adapters.engines.bwrap_root import assemble, place
from sealift.adapters.engines.cdi_injection import NOTHING, Injection
from sealift.adapters.engines.environment import USER
from sealift.record.container import ContainerSpec, Mount

ISOLATION = (
    *("--unshare-user", "--disable-userns", "--uid", str(USER), "--gid", str(USER)),
    *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--cap-drop", "ALL", "--new-session", "--clearenv"),
)
"""What every sandbox has; bubblewrap itself forbids new privileges."""

HARDWARE = ("/sys/devices/system/cpu", "/sys/devices/system/node")

KERNEL = (
    *("--proc", "/proc"),
    # The kernel lets the owner of these files write them without any capability, and when root
    # starts a sandbox, its user is their owner.
    *(
        word
        for name in ("sys", "fs")
        for word in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
    ),
)


def system(nodes: Mapping[str, str] = {}) -> list[str]:
    """The folders that every sandbox has made anew, with further device files by path."""
    return [
        *KERNEL,
        *("--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        *(word for path, host in nodes.items() for word in ("--dev-bind", host, path)),
        *("--remount-ro", "/dev"),
        *("--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 -- inside the sandbox
        # Numeric libraries read the number and kind of processors here.
        *(word for name in HARDWARE for word in ("--ro-bind-try", name, name)),
    ]


def arguments(
    spec: ContainerSpec,
    *,
    root: Path,
    env: Mapping[str, str],
    mounts: Sequence[Mount],
    cards: Injection = NOTHING,
    extra: Sequence[str] = (),
) -> list[str]:
    """Every option of the sandbox of ``spec``, up to but not including its program.

    ``root`` is the unpacked image, ``env`` the whole environment, ``mounts`` those of ``spec`` with
    outer folders first, ``cards`` what graphics cards bring beside those, ``extra`` further options
    that win over these.
    """
    network = [] if spec.network == "host" else ["--unshare-net"]
    places = [place(root, mount.target) for mount in mounts]
    scratch = [place(root, folder) for folder in spec.scratch]
    workdir = place(root, spec.workdir)
    links = {path: aim for path, aim in cards.links.items() if not (root / path[1:]).exists()}
    variables = [word for name in sorted(env) for word in ("--setenv", name, env[name])]
    binds = [
        word
        for mount, target in zip(mounts, places, strict=True)
        for word in ("--bind" if mount.writable else "--ro-bind", mount.source, target)
    ]
    empty = [word for one in scratch for word in ("--perms", "1777", "--tmpfs", one)]
    return [
        *ISOLATION,
        *network,
        *("--hostname", (spec.hostname or spec.name)[:63]),
        *variables,
        *assemble(root, [*places, *scratch, *links, workdir, *HARDWARE]),
        *(word for path, aim in links.items() for word in ("--symlink", aim, path)),
        *system(cards.nodes),
        *empty,
        *binds,
        *("--dir", workdir, "--chdir", workdir),
        *("--remount-ro", "/"),
        *extra,
    ]


__all__ = ["arguments"]
