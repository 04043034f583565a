"""The turnstile: clients whose requests are known to be plain are served without their connections.

Compiled code receives what they send, reads it and, once the model has answered, sends what they
are answered: nothing is done for each request by itself here. A client is lent by its connection
when it is idle and has been answered on the short road before; it goes back, with what it sent, as
soon as that is anything but one whole request of a kind that is known. What is said here is what
would have been said there.
"""

from __future__ import annotations

import select
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from sealift import clock
from sealift.serve import log
from sealift.serve.company import Member
from sealift.serve.gate import FILES, Gate, Part, Stopped, Taken
from sealift.serve.gathering import Gathering
from sealift.serve.group import Timed
from sealift.serve.http.answers import Client
from sealift.serve.ticket import Ticket
from sealift.serve.trace import Trace
from sealift.serve.turn import Turns


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

    The first row of the call is the row ``begin`` of the tensors; ``share`` is the part of the
    turn's reading that was for these requests.
    """

    def __init__(
        self, turnstile: Turnstile, part: Part, ran: Timed, begin: int, share: float
    ) -> None:
        self._turnstile = turnstile
        self._part = part
        self.requests = part.end - part.begin
        self.ran = ran
        self.rows = part.rows
        self.begin = begin
        self.came = turnstile.came
        self.read = turnstile.read
        self.reading = (self.read - self.came) * share

    def members(self, rows: Sequence[int]) -> Iterator[tuple[Member, list[int]]]:
        """The requests that some rows are of, and the numbers of these rows in them."""
        firsts = self._turnstile.firsts(self._part)
        places = (firsts[0] + row for row in rows)
        for number, own in groupby(places, lambda place: bisect_right(firsts, place) - 1):
            first = firsts[number]
            member = self._turnstile.member(self._part.begin + number)
            yield member, [place - first for place in own]


class Turnstile:
    """Clients of one model, served in ``turns`` of the event loop; a ``Keeper`` of them.

    ``opened`` says whether they may be served here; when it says no, all of them go back. Heads of
    answers begin as the two of ``begun``, JSON and that with tensors behind it. Bodies have at most
    ``largest`` bytes. ``came`` and ``read`` are when the last turn began to receive, and had read
    all; ``waiting`` is how many of its requests are not answered yet.
    """

    def __init__(
        self,
        gathering: Gathering,
        desk: Desk,
        turns: Turns,
        *,
        begun: tuple[str, str],
        largest: int,
        opened: Callable[[], bool],
    ) -> None:
        self.came = self.read = 0.0
        self.waiting = 0
        self._note = gathering.note
        self._batcher = gathering.batcher
        self._placed = gathering.placed.twin()
        self._code = self._placed.code
        self._desk = desk
        self._turns = turns
        self._opened = opened
        self._largest = largest
        self._begun = begun
        self._tickets: dict[int, Ticket] = {}
        self._clients: dict[int, Client] = {}
        self._files: dict[Client, int] = {}
        self._epoll = select.epoll()
        self._gate = Gate(self._code, self._epoll.fileno())
        self._watched = False
        self._met = 0

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
            self._turns.watch(self._epoll, self._come)

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
            self._turns.unregister(self._epoll)

    def answer(self) -> bool:
        """Answer all that were taken; whether connections had to do with it."""
        met, count, self.waiting = self._met, self.waiting, 0
        gate, most = self._gate, self._batcher.together()
        back: list[int] = []
        begin = 0
        while begin < count:
            part = gate.part(begin, count, most)
            back += self._asked(part, count)
            begin = part.end
        if back:
            self._return([(gate.request(number).file, gate.kept(number)) for number in back])
        return self._met > met

    def firsts(self, part: Part) -> Sequence[int]:
        """The first row of each request."""
        return self._gate.column("first", part)

    def member(self, number: int) -> Member:
        """A request that was taken."""
        one = self._gate.request(number)
        return Member(one.id, self._tickets[one.known].generation, one.first, one.rows, one.trace)

    def _come(self) -> bool:
        """Take what clients have sent; whether connections had to do with it."""
        if not self._opened():
            self.close()
            return True
        self.came = clock.monotonic()
        turn = self._gate.take(self._batcher.longest(), self._largest, self.came)
        self.read = clock.monotonic()
        self.waiting = turn.taken
        if turn.returned:
            self._return(turn.returned)
        return bool(turn.returned)

    def _return(self, returned: Sequence[tuple[int, bytes]]) -> None:
        """Send clients back with what they sent."""
        self._met += 1
        # what one of them is answered may end the turnstile, which knows no client then
        for client, data in [(self._clients[file], data) for file, data in returned]:
            try:
                client.came(data)
            except Exception as error:  # noqa: BLE001  others wait for their answers
                log.fault(error, "A client was closed unanswered.")
                client.end()

    def _asked(self, part: Part, count: int) -> Sequence[int]:
        """As ``_ask``; if that fails, no client waits for an answer that never comes."""
        try:
            return self._ask(part, count)
        except Exception as error:  # noqa: BLE001  nobody knows who of them was answered
            log.fault(error, "Clients were closed, some of them unanswered.")
            self._met += 1
            files = self._gate.column("fd", part)
            for client in [self._clients[file] for file in files if file in self._clients]:
                client.end()
            return ()

    def _ask(self, part: Part, count: int) -> Sequence[int]:
        """Ask the model for some of the ``count`` requests of a turn, and send the answers.

        The numbers of those that take the ordinary road instead.
        """
        numbers = range(part.begin, part.end)
        try:
            ran = self._placed.ask(part.first, part.rows, len(numbers))
        except Exception:  # noqa: BLE001  a model may fail in any way, and is asked again elsewhere
            return numbers
        if ran is None:
            return numbers
        unwritten = self._tell(part)
        try:
            answered = self._without(part, unwritten) if unwritten else (part,)
            self._count(answered, count, ran, part.first)
        except Exception as error:  # noqa: BLE001  others wait for their answers
            log.fault(error, "Answers were not counted.")
        return unwritten

    def _count(self, answered: Iterable[Part], count: int, ran: Timed, first: int) -> None:
        """Count requests of a turn that were answered by one call, and have them recorded."""
        seconds = clock.monotonic() - self.came
        for told in answered:
            self._desk.counted(seconds, self._generations(told))
            share = (told.end - told.begin) / count
            self._note(self._code, Party(self, told, ran, first, share))

    def _without(self, part: Part, numbers: list[int]) -> Iterator[Part]:
        """What is left of a part."""
        for left in _between(range(part.begin, part.end), numbers):
            yield self._gate.part(left.start, left.stop, part.rows)

    def _tell(self, part: Part) -> list[int]:
        """Send the answers; the numbers of requests for which none could be written."""
        unwritten: list[int] = []
        date = self._desk.date().encode("latin-1")
        at = part.begin
        while (at := self._gate.tell(at, part.end, part.first, date)) < part.end:
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
        self._met += 1
        ticket = self._tickets[one.known]
        client.came(b"")
        if stopped.why == "short":
            client.told(stopped.unsent)
        elif stopped.why == "packed":
            content, json = stopped.unsent, stopped.json
            client.told(self._desk.packed(ticket, one.id, one.trace, content, json))
            self.welcome(client, ticket)

    def _generations(self, part: Part) -> Mapping[int, int]:
        """How many requests came by which route."""
        if part.known is not None:
            return {self._tickets[part.known].generation: part.end - part.begin}
        kinds = self._gate.column("known", part)
        return Counter(self._tickets[known].generation for known in kinds)


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
