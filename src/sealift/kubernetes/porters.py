"""The porters of one step: before it, beside it, and after it.

Source: Kubernetes, "Sidecar Containers": init containers that are always started again.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import msgspec

from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.porter import (
    BESIDE,
    GIVEN,
    INPUTS,
    KEPT,
    LASTING,
    LOGIN,
    PORTER,
    SENDER,
    Beside,
    Kept,
    Laid,
    Laying,
    Sending,
    container,
    key,
    keys,
    volume,
)
from sealift.kubernetes.task import Task, plain
from sealift.record.bucket import BucketPlace
from sealift.record.container import Mount
from sealift.types import Digest, Json

KEY = "sealift.key"
"""The label of what decides the outputs of a container: the same one is the same Job."""


def apart(place: Place) -> bool:
    """Whether what lasts is on a claim while all else goes by a bucket."""
    store = place.settings.store
    return store.place is not None and store.claims


def before(task: Task, place: Place) -> Object:
    """What lays out the inputs of a step."""
    bucket = place.settings.store.place
    laid = tuple(
        Laid(
            target=_where(one, place),
            source="" if bucket else f"{GIVEN}/{key(one.target)}",
            tree=task.trees[one.target] if bucket else Digest(""),
            lasting=one.lasting,
        )
        for one in task.mounts
    )
    plan = Laying(laid=laid, probed=not task.network, bucket=bucket, kept=_kept(task, place))
    words = ["sealift.porter.fetch" if bucket else "sealift.porter.lay", _text(plan)]
    inputs: Json = {"name": "inputs", "mountPath": INPUTS}
    return _porter(PORTER, task, words, [*_volumes(task, place), inputs], _keys(place))


def beside(task: Task, place: Place) -> Object | None:
    """What tells of a step while it runs and keeps its checkpoints; None where neither is to be."""
    kept = _kept(task, place)
    if not kept.parts and not task.live:
        return None
    bucket = place.settings.store.place if kept.parts else None
    plan = Beside(
        told=_place(task, task.live, place),
        bucket=bucket,
        every=place.settings.store.every,
        kept=kept,
    )
    words = ["sealift.porter.keep" if bucket else "sealift.porter.tell", _text(plan)]
    made = _porter(BESIDE, task, words, _volumes(task, place), _keys(place) if bucket else [])
    return {**made, "restartPolicy": "Always"}


def after(task: Task, place: Place) -> Object:
    """What leaves the outputs of a step in the bucket."""
    sending = Sending(paths=_paths(task, place), bucket=place.settings.store.place)
    words = ["sealift.porter.leave", _text(sending)]
    return _porter(SENDER, task, words, _volumes(task, place), _keys(place))


def sender(task: Task, place: Place) -> Object:
    """What sends the outputs of a step to the registry."""
    sending = Sending(paths=_paths(task, place), to=task.repository, plain=task.plain)
    words = ["sealift.porter.send", _text(sending)]
    env: list[Json] = [{"name": "DOCKER_CONFIG", "value": LOGIN}]
    return _porter(PORTER, task, words, _volumes(task, place), env)


def ways(bucket: BucketPlace) -> list[Json]:
    """What a policy lets out of the pod of a step: to the bucket, and to ask for its address.

    A server that goes by a name has addresses that change: there it is any address, at its port.
    """
    url = urlsplit(bucket.endpoint)
    port: Json = {"protocol": "TCP", "port": url.port or (80 if url.scheme == "http" else 443)}
    try:
        address = ip_address(url.hostname or "")
    except ValueError:
        names: list[Json] = [{"protocol": one, "port": 53} for one in ("UDP", "TCP")]
        return [{"ports": [port, *names]}]
    block: Json = {"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}
    return [{"to": [block], "ports": [port]}]


def _porter(
    name: str, task: Task, words: list[str], mounted: list[Json], env: list[Json]
) -> Object:
    command = [*map(plain, task.python), *map(plain, words)]
    return container(name, task.porter, command, mounted, env)


def _keys(place: Place) -> list[Json]:
    store = place.settings.store
    return keys(store.secret) if store.place else []


def _volumes(task: Task, place: Place) -> list[Json]:
    mounted: list[Json] = []
    if task.writes:
        mounted.append({"name": "kept", "mountPath": KEPT})
    if task.lasting and apart(place):
        mounted.append({"name": "lasting", "mountPath": LASTING})
    return mounted


def _where(one: Mount, place: Place) -> str:
    return f"{volume(one, apart=apart(place))}/{key(one.target)}"


def _kept(task: Task, place: Place) -> Kept:
    """Under which key what of a step is kept in the bucket; nothing where claims keep it."""
    store, named = place.settings.store, task.note.labels.get(KEY, "")
    if store.place is None or store.claims or not task.lasting or not named:
        return Kept()
    parts = {PurePosixPath(one.target).name: _where(one, place) for one in task.lasting}
    return Kept(key=named, parts=parts)


def _paths(task: Task, place: Place) -> dict[str, tuple[str, str]]:
    """What is sent: paths as the step saw them, and where they are on its volumes."""
    writable = sorted((one for one in task.mounts if one.writable), key=_length, reverse=True)
    found: dict[str, tuple[str, str]] = {}
    for path in task.wanted or [one.target for one in writable]:
        top = _top(path, writable)
        if top is not None:
            found[path] = (_where(top, place), path[len(top.target) :].strip("/"))
    return found


def _place(task: Task, path: str, place: Place) -> str:
    """Where a porter finds a file that a step writes; empty for one in no mount."""
    top = _top(path, [one for one in task.mounts if one.writable]) if path else None
    return f"{_where(top, place)}{path[len(top.target) :]}" if top else ""


def _top(path: str, mounts: list[Mount]) -> Mount | None:
    fitting = [one for one in mounts if path == one.target or path.startswith(f"{one.target}/")]
    return max(fitting, key=_length, default=None)


def _length(one: Mount) -> int:
    return len(one.target)


def _text(plan: msgspec.Struct) -> str:
    return msgspec.json.encode(plan).decode()


__all__ = ["KEY", "after", "apart", "before", "beside", "sender", "ways"]
