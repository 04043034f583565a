"""The wait for the promoted model behind the stable address."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from sealift import clock
from sealift.chapters.versions import serving
from sealift.control import daemon
from sealift.control.diary import troubles
from sealift.errors import MachineError
from sealift.loopback import get
from sealift.ports import Progress
from sealift.record.model import Model
from sealift.release.servers import START
from sealift.wiring import Wired

PATIENCE = 5.0
"""Seconds after which a trouble that the controller tells of is taken to stay."""
GOES_ON = "The controller goes on trying; `sealift down` ends it."


def until_it_serves(wired: Wired, *, progress: Progress) -> None:
    """Wait until the promoted model answers through the router; at once when there is none.

    Raises ``MachineError`` with the reason when it does not come up.
    """
    version = serving(wired)
    if version is None:
        return
    log = daemon.controller(wired.folders.root).log
    begin = clock.monotonic()
    path = wired.ledger.get(Model, version).launch.ready
    while not _answers(wired.router.address, path):
        waited, told = clock.monotonic() - begin, troubles(log).get("release")
        if told is not None and waited > PATIENCE:
            raise MachineError(told.what, where=told.where, remedy=f"{told.next} {GOES_ON}".strip())
        if waited > START:
            raise MachineError(
                f"Model {version} does not answer after {START:.0f} seconds.",
                where=str(wired.folders.live),
                remedy=f"Look into its log there. {GOES_ON}",
            )
        clock.sleep(0.05)
    progress.step(f"model {version}", "serving")


def _answers(address: str, path: str) -> bool:
    answer = get(urlsplit(address).port or 0, path)
    return answer is not None and answer.status == HTTPStatus.OK


__all__ = ["GOES_ON", "PATIENCE", "until_it_serves"]
