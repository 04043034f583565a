"""What a node of a cluster does with a pod: volumes, and containers that an engine really runs."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sealift import clock
from sealift.errors import SealiftError
from sealift.kubernetes.kinds import CLAIM, POLICY, SECRET
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import count, entries, part, text
from sealift.ports import Engine
from sealift.record.container import Container, ContainerSpec, Exit, Mount
from sealift.testing.cluster import ClusterState, Key, bears
from sealift.types import Digest, Json

_GRACE = 5.0
"""Seconds that what runs beside others gets to end."""


@dataclass
class Node:
    """A machine: a folder for volumes, an ``engine``, and how an image is pulled.

    ``beside`` gives what is mounted into a container besides, by its command; ``hogs`` are names of
    containers that use too much memory. ``api`` is where containers find the cluster's own API, and
    ``enforces`` says whether policies of the network are in force.
    """

    folder: Path
    engine: Engine
    pull: Callable[[str], Digest]
    beside: Callable[[tuple[str, ...]], tuple[Mount, ...]] = lambda _: ()
    hogs: set[str] = field(default_factory=set)
    api: tuple[str, int] = ("127.0.0.1", 0)
    enforces: bool = True


@dataclass
class PodLog:
    """What a container says: each line gets its time when it is first seen."""

    file: Path
    ended: bool = False
    _seen: list[tuple[str, bytes]] = field(default_factory=list)
    _offset: int = 0

    def lines(self) -> list[tuple[str, bytes]]:
        """All lines so far with their times."""
        if self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self._offset)
                raw = file.read()
            whole = raw if self.ended else raw[: raw.rfind(b"\n") + 1]
            self._offset += len(whole)
            at = clock.stamp(clock.now()).replace("Z", "000000Z")
            self._seen += [(at, line) for line in whole.splitlines()]
        return self._seen


class PodRun:
    """One pod on a node, from its first container to its last; ``thread`` runs it."""

    def __init__(self, state: ClusterState, key: Key, node: Node) -> None:
        self._state, self._key, self._node = state, key, node
        pod = state.objects[key]
        self._pod: Object = json.loads(json.dumps(pod))
        self._uid = text(pod, "metadata", "uid")
        self._folder = node.folder / "pods" / self._uid
        self._statuses: dict[str, Json] = {}
        self.ended = False
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._all()
        finally:
            shutil.rmtree(self._folder / "volumes", ignore_errors=True)
            self.ended = True
            with self._state.changed:
                self._state.changed.notify_all()

    def _all(self) -> None:
        spec = part(self._pod, "spec")
        beside: list[tuple[Container, PodLog]] = []
        try:
            self._in_order(spec, beside)
        finally:
            self._end(beside)

    def _in_order(self, spec: Json, beside: list[tuple[Container, PodLog]]) -> None:
        for field_, one in [
            *(("initContainerStatuses", each) for each in entries(spec, "initContainers")),
            *(("containerStatuses", each) for each in entries(spec, "containers")),
        ]:
            if text(one, "restartPolicy") == "Always":
                beside.append(self._started(field_, one))
                continue
            ended = self._container(field_, one)
            if ended is None:
                return
            if ended.status != 0 or ended.timed_out:
                self._end(beside)
                self._say("Failed", "DeadlineExceeded" if ended.timed_out else "")
                return
        self._end(beside)
        self._say("Succeeded")

    def _end(self, beside: list[tuple[Container, PodLog]]) -> None:
        """End what ran beside, as a node does once all others have ended."""
        while beside:
            started, log = beside.pop()
            self._node.engine.stop(started, grace=_GRACE)
            log.ended = True

    def _started(self, field_: str, one: Object) -> tuple[Container, PodLog]:
        """A container that runs beside those after it."""
        name, image = text(one, "name"), text(one, "image")
        log = self._log(name)
        started = self._node.engine.start(
            self._spec(one, self._node.pull(image), log, self._told(name))
        )
        now: Json = {"startedAt": clock.stamp(clock.now())}
        self._status(field_, name, image, {"running": now})
        return started, log

    def _log(self, name: str) -> PodLog:
        log = PodLog(self._folder / f"{name}.log")
        with self._state.changed:
            self._state.logs[self._key.namespace, self._key.name, name] = log
        return log

    def _told(self, name: str) -> Path:
        """The file for the message that a container leaves."""
        self._folder.mkdir(parents=True, exist_ok=True)
        told = self._folder / f"{name}.told"
        told.touch()
        told.chmod(0o666)
        return told

    def _container(self, field_: str, one: Object) -> Exit | None:
        name, image = text(one, "name"), text(one, "image")
        try:
            digest = self._node.pull(image)
        except SealiftError as error:
            waiting: Json = {"reason": "ImagePullBackOff", "message": str(error)}
            self._status(field_, name, image, {"waiting": waiting})
            return None
        log = self._log(name)
        began = clock.now()
        started: Json = {"startedAt": clock.stamp(began)}
        self._status(field_, name, image, {"running": started})
        told = self._told(name)
        seconds = count(self._pod, "spec", "activeDeadlineSeconds") or None
        try:
            ended = self._node.engine.run(
                self._spec(one, digest, log, told), timeout=float(seconds) if seconds else None
            )
        except SealiftError as error:
            failed: Json = {"reason": "RunContainerError", "message": str(error)}
            self._status(field_, name, image, {"waiting": failed})
            return None
        finally:
            log.ended = True
        over: Object = {
            "exitCode": ended.status,
            "reason": "Completed" if ended.status == 0 else "Error",
            "startedAt": clock.stamp(began),
            "finishedAt": clock.stamp(clock.now()),
            "message": told.read_text(),
        }
        if name in self._node.hogs:
            over |= {"reason": "OOMKilled", "exitCode": 137}
        self._status(field_, name, image, {"terminated": over})
        return ended

    def _status(self, field_: str, name: str, image: str, now: Json) -> None:
        rows = self._statuses.setdefault(field_, [])
        assert isinstance(rows, list)
        kept = [each for each in rows if not (isinstance(each, dict) and each["name"] == name)]
        row: Json = {"name": name, "image": image, "restartCount": 0, "state": now}
        self._statuses[field_] = [*kept, row]
        self._say("Running" if field_ == "containerStatuses" else "Pending")

    def _say(self, phase: str, reason: str = "") -> None:
        with self._state.changed:
            pod = self._state.objects.get(self._key)
            if pod is None or text(pod, "metadata", "uid") != self._uid:
                return
            before = part(pod, "status", "conditions")
            conditions: list[Json] = list(before) if isinstance(before, list) else []
            status: Object = {"phase": phase, "conditions": conditions, **self._statuses}
            if reason:
                status["reason"] = reason
            self._state.create({**pod, "status": status})

    def _spec(self, one: Object, image: Digest, log: PodLog, told: Path) -> ContainerSpec:
        host, port = self._node.api
        env = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
        for each in entries(one, "env"):
            if (value := self._value(each)) is not None:
                env[text(each, "name")] = value
        argv = tuple(expanded(str(word), env) for word in _list(one, "command"))
        most = text(one, "resources", "limits", "memory")
        if most.isdigit():  # a limit in bytes is a step's; the image of a step has a shell
            argv = ("/bin/sh", "-c", f'ulimit -v {int(most) >> 10}; exec "$@"', "sh", *argv)
        own = [self._mount(each) for each in entries(one, "volumeMounts")]
        mounts = [each for each in own if each is not None]
        if where := text(one, "terminationMessagePath"):
            mounts.append(Mount(source=str(told), target=where, writable=True))
        return ContainerSpec(
            name=f"{self._key.name}-{text(one, 'name')}",
            image=image,
            argv=argv,
            env={name: expanded(value, env) for name, value in env.items()},
            mounts=(*mounts, *self._node.beside(argv)),
            workdir=text(one, "workingDir") or "/",
            network="none" if self._alone() else "host",
            hostname=text(self._pod, "spec", "hostname"),
            log=str(log.file),
        )

    def _value(self, one: Object) -> str | None:
        source = part(one, "valueFrom", "secretKeyRef")
        if not isinstance(source, dict):
            return text(one, "value")
        held = self._state.objects[Key(SECRET, self._key.namespace, text(source, "name"))]
        if part(source, "optional") is True and not text(held, "data", text(source, "key")):
            return None
        return base64.b64decode(text(held, "data", text(source, "key"))).decode()

    def _alone(self) -> bool:
        """Whether a policy lets nothing of the pod go out."""
        if not self._node.enforces:
            return False
        with self._state.changed:
            for key, one in self._state.objects.items():
                chosen = part(one, "spec", "podSelector", "matchLabels")
                labels = chosen if isinstance(chosen, dict) else {}
                mine = key.kind == POLICY and key.namespace == self._key.namespace
                if mine and bears(self._pod, {name: str(each) for name, each in labels.items()}):
                    kinds = _list(one, "spec", "policyTypes")
                    if "Egress" in kinds and not entries(one, "spec", "egress"):
                        return True
        return False

    def _mount(self, one: Object) -> Mount | None:
        target = text(one, "mountPath")
        if target == "/tmp":  # noqa: S108 -- the engine's own is as empty
            return None
        source = self._volume(text(one, "name"))
        inner = text(one, "subPath")
        writable = part(one, "readOnly") is not True
        return Mount(source=str(source / inner), target=target, writable=writable)

    def _volume(self, name: str) -> Path:
        volume = next(
            each for each in entries(self._pod, "spec", "volumes") if each["name"] == name
        )
        if claim := text(volume, "persistentVolumeClaim", "claimName"):
            held = self._state.objects[Key(CLAIM, self._key.namespace, claim)]
            folder = self._node.folder / "claims" / text(held, "metadata", "uid")
        else:
            folder = self._folder / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        if secret := text(volume, "secret", "secretName"):
            held = self._state.objects[Key(SECRET, self._key.namespace, secret)]
            for item in entries(volume, "secret", "items"):
                raw = base64.b64decode(text(held, "data", text(item, "key")))
                (folder / text(item, "path")).write_bytes(raw)
        return folder


def _list(one: Json, *path: str) -> list[Json]:
    found = part(one, *path)
    return found if isinstance(found, list) else []


def expanded(word: str, env: Mapping[str, str]) -> str:
    """A word as a node passes it on: variables filled in, doubled dollars made single.

    Source: Kubernetes, "Define Dependent Environment Variables".

    >>> expanded("$(A) $(B) $$(A) $A $$", {"A": "1"})
    '1 $(B) $(A) $A $'
    """

    def filled(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return env.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)", filled, word)


__all__ = ["Node", "PodLog", "PodRun", "expanded"]
