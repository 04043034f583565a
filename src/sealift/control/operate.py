"""Begin, end and look at the background processes of a project."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift import clock
from sealift.control import daemon
from sealift.errors import MachineError
from sealift.loopback import HOST, get
from sealift.ports import Progress
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

    Raises ``MachineError`` that names the log when it does not come up.
    """
    wired = Wired(root)
    _ = wired.project.name, wired.engine.name  # a wrong project file is told here, not in a log
    if not daemon.controller(root).find():
        daemon.controller(root).start()
        progress.step("controller", "started")
    now = _until_all_run(root)
    for part in now.parts:
        progress.step(part.name, "running")
    return now


def _until_all_run(root: Path) -> Running:
    deadline = clock.monotonic() + READY
    while True:
        now = status(root)
        missing = [part for part in now.parts if not part.running]
        if not missing:
            return now
        if clock.monotonic() > deadline:
            raise MachineError(
                f"The {missing[0].name} does not come up.",
                where=missing[0].where,
                remedy=f"Look into {daemon.controller(root).log}, then run `sealift up` again.",
            )
        clock.sleep(0.1)


def down(root: Path, *, progress: Progress) -> int:
    """End all of it, whoever started it; how many processes and containers there were.

    Raises ``MachineError`` when something is left.
    """
    wired = Wired(root)
    # the controller first: it would start the others again
    ended = daemon.controller(root).end(grace=GRACE) + daemon.api(root).end(grace=GRACE)
    wired.router.stop()
    if wired.folders.state.is_dir():
        for container in wired.engine.find(_ours(root)):
            if container.running:
                progress.step(container.name, "ending")
                ended += 1
            wired.engine.stop(container, grace=DRAIN)
    left = [part.name for part in status(root).parts if part.running]
    if left:
        raise MachineError(
            f"Still running: {', '.join(left)}.",
            where=str(root),
            remedy="Run `sealift down` again.",
        )
    return ended


def status(root: Path) -> Running:
    """What runs now; nothing is started."""
    wired = Wired(root)
    controllers, apis = daemon.controller(root).find(), daemon.api(root).find()
    port = apis[0].port if apis else 0
    log = wired.folders.live
    routed = wired.router.running()
    address = wired.router.address if routed else ""
    parts = [
        Part(name="router", running=routed, where=address or "not running"),
        Part(name="controller", running=bool(controllers), where=str(log / "controller.log")),
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
