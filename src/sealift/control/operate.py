"""Begin, end and look at the background processes of a project."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift import clock
from sealift.control import daemon, pulse, remains
from sealift.control.diary import Trouble, troubles
from sealift.control.serving import GOES_ON, PATIENCE, until_it_serves
from sealift.errors import MachineError
from sealift.folders import private, require_writable
from sealift.loopback import HOST, get
from sealift.ports import Progress
from sealift.retired import retire
from sealift.wiring import Wired

READY = 30.0
"""Seconds that everything gets to answer."""
GRACE = 10.0
"""Seconds that a background process gets to end."""
DRAIN = 15.0
"""Seconds that a model server gets to answer what it has begun."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One background process, or container."""

    name: str
    running: bool
    where: str


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What runs.

    ``address`` is the stable address of the service, ``api`` that of the control API, ``token`` the
    file with its token. ``controller`` is the controller's process id, None when it is down.
    """

    address: str
    api: str
    token: str
    controller: int | None
    parts: tuple[Part, ...]


def up(root: Path, *, progress: Progress) -> Running:
    """Start what does not run, adopt what does, and wait until all of it answers.

    That includes the promoted model, if there is one: requests may be sent at once.

    Raises ``ProjectError`` for a wrong project file, and ``MachineError`` with the reason, or the
    log that tells it, when something does not come up, or where nothing can be written.
    """
    root = root.resolve()
    wired = Wired(root)
    require_writable(wired.folders.state)
    _ = wired.project.name, wired.engine.name  # a wrong project file is told here, not in a log
    private(wired.folders.state)
    sign = pulse.controller(wired.folders.live)
    if sign.stopped() and daemon.controller(root).end(grace=0.0):
        progress.step("controller", "had hung")
    if not daemon.controller(root).find():
        remains.retire_lost(wired)
        sign.forget()
        daemon.controller(root).start()
        progress.step("controller", "started")
    now = _until_all_run(root)
    for part in now.parts:
        progress.step(part.name, "running")
    until_it_serves(wired, progress=progress)
    return status(root)


def _until_all_run(root: Path) -> Running:
    begin = clock.monotonic()
    while True:
        now = status(root)
        missing = [part for part in now.parts if not part.running]
        if not missing:
            return now
        waited = clock.monotonic() - begin
        told = _told(root, missing)
        dead = now.controller is None
        if waited > READY or (waited > PATIENCE and (told or dead)):
            raise _why(root, now, told)
        clock.sleep(0.1)


def _told(root: Path, missing: list[Part]) -> Trouble | None:
    """What the controller says of the parts that are missing."""
    known = troubles(daemon.controller(root).log)
    return next((known[part.name] for part in missing if part.name in known), None)


def _why(root: Path, now: Running, told: Trouble | None) -> MachineError:
    if told is not None:
        tried = GOES_ON if now.controller is not None else ""
        return MachineError(told.what, where=told.where, remedy=f"{told.next} {tried}".strip())
    missing = next(part for part in now.parts if not part.running)
    return MachineError(
        f"The {missing.name} does not come up.",
        where=missing.where,
        remedy=f"Look into {daemon.controller(root).log}, then run `sealift up` again.",
    )


def down(root: Path, *, progress: Progress) -> int:
    """End all of it, whoever started it; how many processes and containers there were.

    What the project file says, or whether there is one, does not matter. Raises ``MachineError``
    when something is left.
    """
    root = root.resolve()
    wired = Wired(root)
    router = remains.router(wired)
    # the controller first: it would start the others again
    ended = daemon.controller(root).end(grace=GRACE) + daemon.api(root).end(grace=GRACE)
    router.stop()
    for engine, container in remains.containers(wired):
        if container.running:
            progress.step(container.name, "ending")
            ended += 1
        engine.stop(container, grace=DRAIN)
        retire(wired.folders, container.name, failed=not container.running)
    left = [one.name for one in (daemon.controller(root), daemon.api(root)) if one.find()]
    left += ["router"] if router.running() else []
    left += [one.name for _, one in remains.containers(wired) if one.running]
    if left:
        raise MachineError(
            f"Still running: {', '.join(left)}.",
            where=str(root),
            remedy="Run `sealift down` again.",
        )
    return ended


def status(root: Path) -> Running:
    """What runs now; nothing is started."""
    root = root.resolve()
    wired = Wired(root)
    controllers, apis = daemon.controller(root).find(), daemon.api(root).find()
    port = apis[0].port if apis else 0
    log = wired.folders.live
    well = bool(controllers) and not pulse.controller(log).stopped()
    routed = wired.router.running()
    address = wired.router.address if routed else ""
    parts = [
        Part(name="router", running=routed, where=address or "not running"),
        Part(name="controller", running=well, where=str(log / "controller.log")),
        Part(
            name="api",
            running=port > 0 and get(port, "/health") is not None,
            where=f"http://{HOST}:{port}" if port else "not running",
        ),
    ]
    if log.is_dir():
        parts += [
            Part(name=one.name, running=True, where=f"model {one.labels['sealift.version']}")
            for one in wired.engine.find(_ours(root))
            if one.running and "sealift.version" in one.labels
        ]
    return Running(
        address=address,
        api=f"http://{HOST}:{port}" if port else "",
        token=str(wired.folders.live / "token"),
        controller=controllers[0].pid if controllers else None,
        parts=tuple(parts),
    )


def _ours(root: Path) -> dict[str, str]:
    return {"sealift.project": str(root)}


__all__ = ["Part", "Running", "down", "status", "up"]
