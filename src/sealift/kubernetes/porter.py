"""The containers of a porter: what it brings to a step in a cluster and takes from it.

By the registry and a claim, inputs are layers of the porter's own image, and outputs are sent by a
Job of their own; by a bucket, it fetches and leaves them from within the step's pod. Beside a step
that is watched it tells what is logged, and keeps checkpoints in the bucket.
"""

from __future__ import annotations

import msgspec

from sealift.digest import of_bytes
from sealift.kubernetes import restricted
from sealift.kubernetes.objects import Object
from sealift.record.bucket import BucketPlace
from sealift.record.container import Mount
from sealift.types import Digest, Json

PORTER, BESIDE, SENDER = "porter", "beside", "sender"
"""The containers of a porter in the pod of a step: before it, beside it and after it."""

KEPT, LASTING, INPUTS, GIVEN, LOGIN = "/kept", "/lasting", "/inputs", "/in", "/login"
"""Where a porter finds what a step writes, what lasts of that, the volume of inputs, its own layers
and the credentials of a registry."""

TOLD = "/told"
"""The file that a porter leaves its message in."""

AUTHORITIES = "/authorities.pem"
"""Where a porter finds the certificates that are trusted besides those of its image."""

PATH = "sealift.path"
"""The annotation of a layer of outputs: where the step wrote what is in it."""

OPEN, SHUT = "open", "shut"
"""What the porter of a step found: that the cluster's own API is reached from its pod, or not."""

_KEYS = {"AWS_ACCESS_KEY_ID": False, "AWS_SECRET_ACCESS_KEY": False, "AWS_SESSION_TOKEN": True}
"""What a Secret holds for a bucket, and whether it may be absent."""


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to lay out at ``target``: a ``source`` beside the porter, or a ``tree`` by digest.

    What is ``lasting`` is left as it is where it is there.
    """

    target: str
    source: str = ""
    tree: Digest = Digest("")
    lasting: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What of a step is kept in the bucket: under which ``key``, folders by their names there."""

    key: str = ""
    parts: dict[str, str] = {}


class Laying(msgspec.Struct, frozen=True, kw_only=True):
    """All that is laid out before a step; ``probed`` says whether its network is to be shut.

    From a ``bucket`` come trees, and what was ``kept`` there.
    """

    laid: tuple[Laid, ...]
    probed: bool = False
    bucket: BucketPlace | None = None
    kept: Kept = Kept()


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What is done while a step runs: the lines of a file ``told`` are said.

    Every so many seconds what is to be ``kept`` is put into the ``bucket``.
    """

    told: str = ""
    bucket: BucketPlace | None = None
    kept: Kept = Kept()
    every: int = 60


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent when a step has ended: by its path, the volume and the place in it.

    It goes to a repository, ``to``, which may speak ``plain`` HTTP, or to a ``bucket``.
    """

    paths: dict[str, tuple[str, str]]
    to: str = ""
    plain: bool = False
    bucket: BucketPlace | None = None


def key(target: str) -> str:
    """What the content of a mount is called in layers and volumes."""
    return of_bytes(target.encode())[7:19]


def volume(one: Mount, *, apart: bool) -> str:
    """Where a porter finds a mount; ``apart`` says whether what lasts has a volume of its own."""
    if not one.writable:
        return INPUTS
    return LASTING if one.lasting and apart else KEPT


def container(
    name: str, image: str, command: list[str], mounted: list[Json], env: list[Json]
) -> Object:
    """A container of the porter; it is small, and may do no more than the step."""
    return {
        "name": name,
        "image": image,
        "command": list(command),
        "workingDir": "/",
        "env": [{"name": "HOME", "value": "/tmp"}, *env],  # noqa: S108 -- the container's own
        "resources": {
            "requests": {"cpu": "10m" if name == BESIDE else "100m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "securityContext": restricted.container(),
        "terminationMessagePath": TOLD,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounted],  # noqa: S108
    }


def keys(secret: str | None) -> list[Json]:
    """The variables that open a bucket, out of a Secret."""
    if not secret:
        return []
    return [
        {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": secret, "key": name, "optional": absent}},
        }
        for name, absent in _KEYS.items()
    ]


__all__ = [
    "AUTHORITIES",
    "BESIDE",
    "GIVEN",
    "INPUTS",
    "KEPT",
    "LASTING",
    "LOGIN",
    "OPEN",
    "PATH",
    "PORTER",
    "SENDER",
    "SHUT",
    "TOLD",
    "Beside",
    "Kept",
    "Laid",
    "Laying",
    "Sending",
    "container",
    "key",
    "keys",
    "volume",
]
