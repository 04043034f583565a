"""The turnstile: clients whose requests are known to be plain are served without their connections.

Compiled code receives what they send, reads it and, once the model has answered, sends what they
are answered: nothing is done for each request by itself here. A client is lent by its connection
when it is idle and has been answered on the short road before; it goes back, with what it sent, as
soon as that is anything but one whole request of a kind that is known. What is said here is what
would have been said there.
"""

from __future__ import annotations

import asyncio
import select
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from sealift import clock
from sealift.serve import log
from sealift.serve.company import Member
from sealift.serve.gate import FILES, LONGEST, Gate, Stopped, Taken
from sealift.serve.gathering import Gathering
from sealift.serve.group import Ran
from sealift.serve.http.answers import Client
from sealift.serve.ticket import Ticket
from sealift.serve.trace import Trace

_Places = list[list[int]]


class Desk(Protocol):
    """Who writes what compiled code does not."""

    def date(self) -> str:
        """The line of a head that tells the date."""
        ...

    def packed(
        self, ticket: Ticket, given: str, trace: Trace | None, content: bytes, json: int
    ) -> bytes:
        """An answer with its head, to the request with this id; tensors follow ``json`` bytes."""
        ...

    def counted(self, seconds: float, generations: Mapping[int, int]) -> None:
        """Count requests that took so long each, by the numbers of their routes."""
        ...


class Party:
    """Requests of one turn that one call of the model answered; see ``Company``.

    They are those from the number ``start`` on; ``places`` has the number of the kind, the first
    row and the rows of each. The first row of the call is the row ``begin`` of the tensors;
    ``share`` is the part of the turn's reading that was for these requests.
    """

    def __init__(
        self, turnstile: Turnstile, start: int, places: _Places, ran: Ran, begin: int, share: float
    ) -> None:
        _, last, rows = places[-1]
        self._turnstile = turnstile
        self._start = start
        self._places = places
        self.requests = len(places)
        self.ran = ran
        self.rows = last + rows - places[0][1]
        self.begin = begin
        self.came = turnstile.came
        self.read = turnstile.read
        self.reading = (self.read - self.came) * share

    def members(self, rows: Sequence[int]) -> Iterator[tuple[Member, list[int]]]:
        """The requests that some rows are of, and the numbers of these rows in them."""
        firsts = [first for _, first, _ in self._places]
        places = (firsts[0] + row for row in rows)
        for number, own in groupby(places, lambda place: bisect_right(firsts, place) - 1):
            first = firsts[number]
            member = self._turnstile.member(self._start + number)
            yield member, [place - first for place in own]


class Turnstile:
    """Clients of one model; a ``Keeper`` of them.

    ``opened`` says whether they may be served here; when it says no, all of them go back. Heads of
    answers begin as the two of ``begun``, JSON and that with tensors behind it. Bodies have at most
    ``largest`` bytes. ``came`` and ``read`` are when the last turn began to receive, and had read
    all; ``waiting`` is how many of its requests are not answered yet.
    """

    def __init__(
        self,
        gathering: Gathering,
        desk: Desk,
        *,
        begun: tuple[str, str],
        largest: int,
        opened: Callable[[], bool],
    ) -> None:
        self.came = self.read = 0.0
        self.waiting = 0
        self._note = gathering.note
        self._batcher = gathering.batcher
        self._code = gathering.code.twin()
        self._desk = desk
        self._opened = opened
        self._largest = min(largest, LONGEST)
        self._begun = begun
        self._tickets: dict[int, Ticket] = {}
        self._clients: dict[int, Client] = {}
        self._files: dict[Client, int] = {}
        self._epoll = select.epoll()
        self._gate = Gate(self._code, self._epoll.fileno())
        self._watched = False

    def welcome(self, client: Client, ticket: Ticket) -> None:
        """Serve a client from now on that sends requests with such a ticket, if it may be lent."""
        if not client.lendable:
            return
        known = self._gate.learn(ticket.raw, ticket.header, *self._begun, ticket.packing)
        if known < 0:
            return
        self._tickets[known] = ticket
        file = client.lent(self)
        if file >= FILES or not self._watch(file):
            client.came(b"")
            return
        self._clients[file], self._files[client] = client, file
        self._gate.since[file] = clock.monotonic()
        if not self._watched:
            self._watched = True
            asyncio.get_running_loop().add_reader(self._epoll, self._come)

    def _watch(self, file: int) -> bool:
        """Have the kernel tell of a client; false where it cannot, as it bounds their number."""
        try:
            self._epoll.register(file, select.EPOLLIN)
        except OSError:
            return False
        return True

    def since(self, client: Client) -> float:
        """When the client last said something, by the monotonic clock."""
        return float(self._gate.since[self._files[client]])

    def stuck(self, client: Client) -> bool:
        """Whether the client has begun a request that it has not ended."""
        return self._gate.stuck(self._files[client])

    def leave(self, client: Client) -> bytes:
        """Serve the client no more, but answer what it has asked; its connection has it again.

        What it has begun to ask.
        """
        if self.waiting:
            self.answer()
        file = self._files.pop(client, None)
        if file is None:
            return b""
        del self._clients[file]
        self._epoll.unregister(file)
        return self._gate.forget(file)

    def close(self) -> None:
        """Send all clients back, and take no others."""
        while self._files:
            next(iter(self._files)).came(b"")
        if self._watched:
            self._watched = False
            asyncio.get_running_loop().remove_reader(self._epoll)

    def answer(self) -> None:
        """Answer all that were taken."""
        count, self.waiting = self.waiting, 0
        places = self._gate.places(count)
        most = self._batcher.together()
        back: list[int] = []
        begin = together = 0
        for number, (_, _, rows) in enumerate(places):
            if number > begin and together + rows > most:
                back += self._asked(range(begin, number), together, places)
                begin, together = number, 0
            together += rows
        back += self._asked(range(begin, count), together, places)
        if back:
            gate = self._gate
            self._return([(gate.request(number).file, gate.kept(number)) for number in back])

    def member(self, number: int) -> Member:
        """A request that was taken."""
        one = self._gate.request(number)
        return Member(one.id, self._tickets[one.known].generation, one.first, one.rows, one.trace)

    def _come(self) -> None:
        """Take what clients have sent."""
        if not self._opened():
            self.close()
            return
        self.came = clock.monotonic()
        turn = self._gate.take(self._batcher.longest(), self._largest, self.came)
        self.read = clock.monotonic()
        self.waiting = turn.taken
        self._return(turn.returned)

    def _return(self, returned: Sequence[tuple[int, bytes]]) -> None:
        """Send clients back with what they sent."""
        # what one of them is answered may end the turnstile, which knows no client then
        for client, data in [(self._clients[file], data) for file, data in returned]:
            try:
                client.came(data)
            except Exception as error:  # noqa: BLE001  others wait for their answers
                log.fault(error, "A client was closed unanswered.")
                client.end()

    def _asked(self, part: range, rows: int, places: _Places) -> list[int]:
        """As ``_ask``; if that fails, no client waits for an answer that never comes."""
        try:
            return self._ask(part, rows, places)
        except Exception as error:  # noqa: BLE001  nobody knows who of them was answered
            log.fault(error, "Clients were closed, some of them unanswered.")
            files = self._gate.taken["fd"][part.start : part.stop].tolist()
            for client in [self._clients[file] for file in files if file in self._clients]:
                client.end()
            return []

    def _ask(self, part: range, rows: int, places: _Places) -> list[int]:
        """Ask the model for some of the requests of a turn, and send the answers.

        The numbers of those that take the ordinary road instead.
        """
        first = places[part.start][1]
        try:
            ran = self._batcher.called(self._code.inputs(first, rows), rows, len(part))
            held = self._code.hold(rows, ran.outputs.values())
        except Exception:  # noqa: BLE001  a model may fail in any way, and is asked again elsewhere
            return list(part)
        if not held:
            return list(part)
        unwritten = self._tell(part, first)
        try:
            self._count(_between(part, unwritten), places, ran, first)
        except Exception as error:  # noqa: BLE001  others wait for their answers
            log.fault(error, "Answers were not counted.")
        return unwritten

    def _count(self, answered: Iterable[range], places: _Places, ran: Ran, first: int) -> None:
        """Count requests that were answered by one call, and have them recorded."""
        seconds = clock.monotonic() - self.came
        for told in answered:
            own, share = places[told.start : told.stop], len(told) / len(places)
            self._desk.counted(seconds, self._generations(own))
            self._note(self._code, Party(self, told.start, own, ran, first, share))

    def _tell(self, part: range, first: int) -> list[int]:
        """Send the answers; the numbers of requests for which none could be written."""
        unwritten: list[int] = []
        date = self._desk.date().encode("latin-1")
        at = part.start
        while (at := self._gate.tell(at, part.stop, first, date)) < part.stop:
            stopped = self._gate.stopped()
            if stopped.why == "unwritten":
                unwritten.append(at)
            else:
                one = self._gate.request(at)
                client = self._clients[one.file]
                try:
                    self._hand(client, one, stopped)
                except Exception as error:  # noqa: BLE001  others wait for their answers
                    log.fault(error, "A client was closed unanswered.")
                    client.end()
            at += 1
        return unwritten

    def _hand(self, client: Client, one: Taken, stopped: Stopped) -> None:
        """Let the connection of a client send an answer, or the rest of one."""
        ticket = self._tickets[one.known]
        client.came(b"")
        if stopped.why == "short":
            client.told(stopped.unsent)
        elif stopped.why == "packed":
            content, json = stopped.unsent, stopped.json
            client.told(self._desk.packed(ticket, one.id, one.trace, content, json))
            self.welcome(client, ticket)

    def _generations(self, places: _Places) -> dict[int, int]:
        """How many requests came by which route."""
        found: dict[int, int] = {}
        for known, _, _ in places:
            generation = self._tickets[known].generation
            found[generation] = found.get(generation, 0) + 1
        return found


def _between(part: range, without: list[int]) -> Iterator[range]:
    """What is left of a range without some of its numbers, in order.

    >>> list(_between(range(2, 9), [2, 5, 6]))
    [range(3, 5), range(7, 9)]
    """
    begin = part.start
    for number in [*without, part.stop]:
        if number > begin:
            yield range(begin, number)
        begin = number + 1


__all__ = ["Desk", "Turnstile"]
