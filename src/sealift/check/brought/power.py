"""What a server of others may do, looked at from outside: its image need not hold any tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift import loopback
from sealift.check.check import Check, error, info, warning
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.record.report import Finding

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
_WRITABLE = ("/proc", "/dev", "/sys", "/tmp")  # noqa: S108 -- names inside the container
_HOSTS = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")
REMEDY = "Use an engine that starts containers without root (see `sealift doctor`)."


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel says of a process: its users and groups as it sees them itself,
    its capabilities by set, and the mount points that it may write."""

    users: tuple[int, ...]
    groups: tuple[int, ...]
    capabilities: dict[str, int]
    no_new_privileges: bool
    writable: tuple[str, ...]


def power(pid: int) -> Power:
    """The power of a process. Raises ``CheckError`` when it is gone, or may not be looked at."""
    folder = Path("/proc") / str(pid)
    try:
        lines = (folder / "status").read_text().splitlines()
        mounts = (folder / "mountinfo").read_text()
        users = ids((folder / "uid_map").read_text())
        groups = ids((folder / "gid_map").read_text())
    except OSError as reason:
        raise CheckError(
            f"The server's process cannot be looked at: {reason.strerror}.", where=f"process {pid}"
        ) from reason
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    named = [int(word) for word in status["Gid"].split()]
    further = [int(word) for word in status.get("Groups", "").split()]
    return Power(
        users=tuple(sorted({inner(int(word), users) for word in status["Uid"].split()})),
        groups=tuple(sorted({inner(one, groups) for one in (*named, *further)})),
        capabilities={name: int(status[name], 16) for name in _CAPABILITIES},
        no_new_privileges=status["NoNewPrivs"] == "1",
        writable=tuple(sorted(set(writable(mounts)))),
    )


def ids(text: str) -> list[tuple[int, int, int]]:
    """The lines of a map of users: first inside, first outside, how many."""
    found = (tuple(map(int, line.split())) for line in text.splitlines())
    return [(one[0], one[1], one[2]) for one in found]


def inner(outside: int, known: list[tuple[int, int, int]]) -> int:
    """A user as the process sees it, by the map of its namespace; the same where none has it.

    >>> inner(1000, [(65532, 1000, 1)]), inner(7, [(65532, 1000, 1)])
    (65532, 7)
    """
    for first, start, count in known:
        if start <= outside < start + count:
            return first + outside - start
    return outside


def writable(mountinfo: str) -> Iterator[str]:
    """The mount points that are not read-only (proc(5), mountinfo); not those that all have."""
    for line in mountinfo.splitlines():
        words = line.split(" ")
        place, options = words[4], words[5].split(",")
        common = any(place == one or place.startswith(f"{one}/") for one in _WRITABLE)
        if "rw" in options and not common and place not in _HOSTS:
            yield place


def unseen(target: Target) -> Finding:
    """What is said where the process belongs to somebody else, as under a daemon."""
    return warning(
        f"The server's process is not to be seen from here: {target.engine.name} was asked for an "
        "ordinary user, no capabilities and a read-only root, and whether it gave these is open.",
        place=f"port {target.port}",
        remedy="With bubblewrap the check can look.",
    )


def not_root(target: Target) -> Iterator[Finding]:
    """Look at users, groups, capabilities and the no-new-privileges bit."""
    found = loopback.listeners(target.port)
    if not found:
        yield unseen(target)
    for pid in found:
        seen = power(pid)
        if 0 in seen.users:
            yield error("It runs as root.", place="user 0", remedy=REMEDY)
        if 0 in seen.groups:
            yield error("It runs in root's group.", place="group 0", remedy=REMEDY)
        for name, bits in seen.capabilities.items():
            if bits:
                yield error(f"It has capabilities: {name} is {bits:#x}.", remedy=REMEDY)
        if not seen.no_new_privileges:
            yield error(
                "A program with the set-user-id bit could give it new privileges.",
                place="NoNewPrivs 0",
                remedy=REMEDY,
            )
        yield info(f"user {seen.users[0]}, no capabilities, no new privileges")


def read_only(target: Target) -> Iterator[Finding]:
    """Look at the mounts that it may write."""
    given = set(target.launch.scratch)
    found = loopback.listeners(target.port)
    if not found:
        yield unseen(target)
    for pid in found:
        for place in power(pid).writable:
            if place not in given:
                yield error(
                    "A folder of the image can be written.",
                    place=place,
                    remedy="Use an engine that mounts the root file system read-only.",
                )
    yield info(f"writable beside its scratch folder: {', '.join(sorted(given)) or 'nothing'}")


NON_ROOT = Check(
    name="non-root",
    shows="It runs as an ordinary user without capabilities, and can gain none.",
    findings=not_root,
)

READ_ONLY = Check(
    name="read-only",
    shows="It runs on a read-only root: it cannot change its programs or its model.",
    findings=read_only,
)

__all__ = ["NON_ROOT", "READ_ONLY", "Power", "power"]
