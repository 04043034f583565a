"""The parent of the workers: starts them, replaces those that die or hang, ends them together."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from collections.abc import Callable
from typing import NoReturn

import msgspec

from sealift import clock, process
from sealift.errors import MachineError
from sealift.serve import log
from sealift.serve.board import Board, Family
from sealift.serve.faults import Faults
from sealift.serve.listening import Sockets
from sealift.serve.metrics import LEVELS
from sealift.serve.worker import SIGNALS

TICK = 1.0
"""Seconds between looks at the workers; the death of one is noticed at once."""

BRIEF = 10.0
"""Seconds: a worker that lived shorter died soon."""

LONGEST = 30.0
"""Most seconds until a worker that died is replaced."""

GONE = 2.0
"""Seconds that the porter is given to end."""

GLANCE = 0.02
"""Seconds between looks whether the porter can go."""


def pause(deaths: int) -> float:
    """Seconds until a worker is replaced after so many soon deaths in a row.

    >>> [pause(deaths) for deaths in (0, 1, 2, 3, 9)]
    [0.0, 0.0, 0.5, 1.0, 30.0]
    """
    return 0.0 if deaths < 2 else min(LONGEST, 0.5 * 2.0 ** (deaths - 2))


class _Place(msgspec.Struct):
    """What the parent knows of one worker; ``pid`` 0: there is none now."""

    number: int
    opened: Sockets = ()
    pid: int = 0
    begun: float = 0.0
    deaths: int = 0
    due: float = 0.0
    beat: float = 0.0
    still: int = 0
    hung: bool = False
    faults: Faults = msgspec.field(default_factory=Faults)

    def shut(self) -> None:
        """Close its sockets here."""
        for one in self.opened:
            one.close()
        self.opened = ()


Work = Callable[[int, Sockets], int]
"""What a worker does, given its number and its sockets; its exit status."""


class Crew:
    """Workers in processes of their own.

    ``bind`` gives the sockets for a worker. One that does not beat for ``hang`` seconds is
    replaced; those that end have ``patience`` seconds.
    """

    def __init__(
        self, board: Board, *, bind: Callable[[], Sockets], hang: float, patience: float
    ) -> None:
        self._board = board
        self._bind = bind
        self._hang = hang
        self._patience = patience
        self._places = [_Place(number) for number in range(board.workers)]
        self._porter = _Place(board.workers)
        self._died = Family(board.tables[-1], "sealift_workers_died_total")
        self._until = 0.0
        self._looked = 0.0
        self._clean = True
        self._lean = False
        self._bell: tuple[socket.socket, socket.socket] = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)

    def gather(self) -> None:
        """Let SIGTERM and SIGINT end this process until ``run``, as nobody is served yet."""
        for number in SIGNALS:
            signal.signal(number, _gone)

    def meet(self, work: Work) -> None:
        """Start the porter, who answers until a worker can."""
        self._start(self._porter, work)

    def run(self, work: Work) -> bool:
        """Keep the workers going until SIGTERM or SIGINT; whether all of them ended well."""
        for number in (*SIGNALS, signal.SIGCHLD):
            signal.signal(number, _noted)
        signal.set_wakeup_fd(self._bell[1].fileno())
        _collect()
        for place in self._places:
            self._start(place, work)
        self._reap()
        while any(place.pid for place in self._all) or not self._until:
            self._wait()
            self._reap()
            if self._until:
                self._hurry()
            else:
                self._relieve()
                self._replace(work)
                self._lessen()
        return self._clean

    @property
    def _all(self) -> list[_Place]:
        return [*self._places, self._porter]

    def _start(self, place: _Place, work: Work) -> None:
        status = self._board.status[place.number]
        for name in ("ready", "watched"):
            status.set(0, name)
        try:
            opened = place.opened = place.opened or self._bind()
            place.pid = process.fork(lambda: self._begin(place, opened, work), held=SIGNALS)
        except MachineError as error:
            log.event("worker_not_started", worker=place.number, error=error.what)
            place.deaths += 1
            place.due = clock.monotonic() + max(TICK, pause(place.deaths))
            return
        status.set(place.pid, "pid")
        place.begun, place.still, place.hung = clock.monotonic(), 0, False

    def _begin(self, place: _Place, opened: Sockets, work: Work) -> int:
        """What the child does."""
        _collect()
        place.faults.watch()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in self._bell:
            end.close()
        for other in self._all:
            if other is not place:
                other.shut()
        return work(place.number, opened)

    def excuse(self) -> None:
        """Tell the porter to end, which it does while workers begin: they wait for that."""
        self._porter.shut()
        if self._porter.pid:
            os.kill(self._porter.pid, signal.SIGTERM)

    def dismiss(self) -> None:
        """End the porter, so that workers may listen."""
        porter = self._porter
        porter.shut()
        if porter.pid:
            process.end(porter.pid, process.started(porter.pid), GONE)
            self._lost(porter, 0)

    def _relieve(self) -> None:
        """End the porter once a worker has come so far that it can answer."""
        statuses = self._board.status[: self._board.workers]
        if self._porter.pid and any(status.get("watched") for status in statuses):
            self.dismiss()

    def _lessen(self) -> None:
        """Let go of what only loading needed, once there is a worker that is ready.

        No sooner: it would take the core that a worker begins on.
        """
        if not self._lean and self._board.ready():
            # by name, so that the layer of the server has it too
            from sealift.serve import footprint  # noqa: PLC0415

            self._lean = True
            footprint.lessen()

    def _wait(self) -> None:
        """Wait for a signal or the next look; follow signals to end."""
        now = clock.monotonic()
        due = [place.due - now for place in self._places if not place.pid]
        seconds = max(0.0, min([TICK, *due])) if not self._until else 0.1
        if self._porter.pid:
            seconds = min(seconds, GLANCE)
        readable, _, _ = select.select([self._bell[0]], [], [], seconds)
        if clock.monotonic() >= self._looked + TICK:
            self._looked = clock.monotonic()
            self._look()
        if not readable:
            return
        for number in self._bell[0].recv(4096):
            if number in SIGNALS:
                self._end()

    def _end(self) -> None:
        """Tell the workers to end; from the first time on, nobody is replaced."""
        if not self._until:
            log.event("draining")
            self._until = clock.monotonic() + self._patience
        for place in self._all:
            place.shut()
            if place.pid:
                os.kill(place.pid, signal.SIGTERM)

    def _hurry(self) -> None:
        if clock.monotonic() > self._until:
            self._clean = False
            for place in self._all:
                if place.pid:
                    os.kill(place.pid, signal.SIGKILL)

    def _reap(self) -> None:
        ended = dict(process.ended())
        for place in self._all:
            if place.pid in ended:
                self._lost(place, ended[place.pid])

    def _lost(self, place: _Place, code: int) -> None:
        lived = clock.monotonic() - place.begun
        status = self._board.status[place.number]
        table = self._board.tables[place.number]
        for name in ("ready", "watched", "pid"):
            status.set(0, name)
        for name in LEVELS:
            Family(table, name).set(0.0)
        pid, place.pid = place.pid, 0
        if place is self._porter:
            return
        if self._until:
            self._clean = self._clean and code == 0
            return
        place.deaths = place.deaths + 1 if lived < BRIEF else 1
        wait = pause(place.deaths)
        place.due = clock.monotonic() + wait
        cause = "hung" if place.hung else "signal" if code < 0 else "exit"
        self._died.add(1.0, cause)
        log.event(
            "worker_died",
            worker=place.number,
            pid=pid,
            cause=cause,
            status=signal.Signals(-code).name if code < 0 else code,
            lived=round(lived, 3),
            again=round(wait, 3),
            trace=place.faults.told(),
        )
        if wait:
            # nobody takes these connections for a while: others must get them
            place.shut()

    def _replace(self, work: Work) -> None:
        now = clock.monotonic()
        for place in self._places:
            if not place.pid and place.due <= now:
                self._start(place, work)

    def _look(self) -> None:
        """Kill those whose event loop stands still.

        Looks are counted, not seconds: a machine that slept, or a container that was paused, has
        not looked meanwhile.
        """
        for place in self._places:
            status = self._board.status[place.number]
            beat = status.get("beat")
            moved = beat != place.beat or not status.get("watched") or not place.pid
            place.beat = beat
            place.still = 0 if moved else place.still + 1
            if self._hang and place.still * TICK >= self._hang:
                place.hung = True
                log.event("worker_hung", worker=place.number, pid=place.pid)
                place.faults.ask(place.pid)
                os.kill(place.pid, signal.SIGKILL)


def _collect() -> None:
    """Collect garbage from now on, but look at nothing that is there already.

    What children take over would be written to, page by page, and no page be shared any more.
    """
    gc.freeze()
    gc.enable()


def _gone(*_: object) -> NoReturn:
    """End while nobody is served yet; the porter ends with this process."""
    log.event("ended", finished=True)
    process.exit_now(0)


def _noted(*_: object) -> None:
    """Nothing more: the signal's number is read from the bell."""


__all__ = ["Crew", "pause"]
