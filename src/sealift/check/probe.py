"""What a program finds inside a container of the image, started in the form of the server."""

from __future__ import annotations

import msgspec

from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.record.reading import decode

PLACES = ("/", "/etc", "/usr", "/usr/bin", "/opt/sealift", "/model", "/var")
"""Folders that the server must not be able to write; those that are there are tried."""

SOURCE = f"""
import json, os, sys
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
def writes(folder):
    path = os.path.join(folder, ".sealift-probe")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    os.unlink(path)
    return True
def exposed(folder):
    return not os.statvfs(folder).f_flag & os.ST_RDONLY or writes(folder)
places = [place for place in {PLACES!r} if os.path.isdir(place)]
print(json.dumps({{
    "uid": sorted(set(os.getresuid())), "gid": sorted(set(os.getresgid())),
    "groups": os.getgroups(),
    "capabilities": {{key: int(status[key], 16) for key in sets}},
    "no_new_privileges": status["NoNewPrivs"] == "1",
    "tried": places,
    "writable": [place for place in places if exposed(place)],
    "scratch": writes("/tmp"),
}}))
"""


class Inside(msgspec.Struct, frozen=True):
    """What the probe found.

    ``capabilities`` are the sets of the process by name, as bits; ``writable`` are the tried
    folders that are not mounted read-only, or in which a file could be made; ``scratch`` says
    whether ``/tmp`` can be written.
    """

    uid: list[int]
    gid: list[int]
    groups: list[int]
    capabilities: dict[str, int]
    no_new_privileges: bool
    tried: list[str]
    writable: list[str]
    scratch: bool


def look(target: Target) -> Inside:
    """Run the probe. Raises ``CheckError`` when it fails or says something else."""
    text = target.probe(SOURCE)
    try:
        return decode(text.strip().split("\n")[-1].encode(), Inside)
    except ValueError as error:
        raise CheckError("The look inside the container failed.", where=text[-200:]) from error


__all__ = ["Inside", "PLACES", "look"]
