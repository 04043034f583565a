"""The short road: requests for predictions in their plainest form.

Most requests come whole, in the protocol's plainest form, hold nothing but values that the training
data had, and ask a model that takes microseconds. Such requests are read by compiled code as they
come, and those of one turn of the event loop are answered at its end, by one call of the model
where it is proven that this changes no answer. None of them waits for company: the turn ends when
all that had come has been read.

The short road says yes or nothing. Whatever is not plain, or may not end well, takes the ordinary
road from its beginning; and what is said here is what would have been said there. A client that
goes on to send plain requests is lent to the turnstile of its model.
"""

from __future__ import annotations

from collections.abc import Mapping

from sealift import clock
from sealift.serve import coding, log
from sealift.serve.access import Mode
from sealift.serve.answer import JSON
from sealift.serve.encode import BINARY
from sealift.serve.gathering import Gathering, Plain
from sealift.serve.house import House
from sealift.serve.http.answers import Client
from sealift.serve.http.head import Head
from sealift.serve.http.written import Heads
from sealift.serve.messages import HEADER_LENGTH
from sealift.serve.service import Service
from sealift.serve.ticket import Ticket, issued
from sealift.serve.trace import Trace, parsed
from sealift.serve.turn import Turns
from sealift.serve.turnstile import Turnstile

PATIENCE = 0.1
"""Seconds of a deadline that what is answered here never comes near."""


class Express:
    """The short road of one worker."""

    def __init__(self, house: House, heads: Heads, access: Mode) -> None:
        self._house = house
        self._metrics = house.metrics
        self._heads = heads
        self._tokens = clock.Tokens()
        self._most = house.limits.body
        self._waiting: dict[Gathering, Service] = {}
        self._turnstiles: dict[Gathering, Turnstile] = {}
        self._turns: Turns | None = None
        self._services = {path: one for one in house.services.values() for path in one.paths}
        if access == "all" or 0 < house.limits.timeout < PATIENCE:
            self._services = {}

    def attend(self, turns: Turns) -> None:
        """Answer at the end of each of these turns; clients are lent from now on."""
        self._turns = turns
        turns.ended = self.answer

    def take(self, client: Client, head: Head, body: bytes) -> bool:
        """Whether the request is answered at the end of this turn; else it is not touched."""
        service = self._services.get(head.path)
        if service is None or self._house.ending or len(body) > self._most:
            return False
        gathering = service.gathering
        if gathering is None:
            return False
        ticket = head.ticket
        if ticket is None:
            ticket = head.ticket = issued(service, head) or False
        if not ticket:
            return False
        if gathering.full:
            self.answer()
        plain = gathering.take(body, ticket.header, (client, ticket, head, body))
        if plain is None:
            return False
        plain.id = plain.id or ticket.id or self._tokens.next(20)
        plain.generation = ticket.generation
        plain.trace = parsed(ticket.trace)
        self._waiting[gathering] = service
        return True

    def answer(self) -> bool:
        """Answer all that were taken; whether connections had to do with it."""
        met = False
        for turnstile in list(self._turnstiles.values()):
            if turnstile.waiting:
                met |= turnstile.answer()
        waiting, self._waiting = self._waiting, {}
        # an answer may bring the client's next request, for which the memory must be free
        answered = [(gathering, gathering.answered()) for gathering in waiting]
        for gathering, plains in answered:
            for plain in plains:
                try:
                    self._tell(gathering, plain)
                except Exception as error:  # noqa: BLE001  others wait for their answers
                    log.fault(error, "A client was not dealt with.")
        return met or bool(waiting)

    def date(self) -> str:
        """The line of a head that tells the date."""
        return self._heads.date()

    def packed(
        self, ticket: Ticket, given: str, trace: Trace | None, content: bytes, json: int
    ) -> bytes:
        """An answer with its head, to the request with this id; tensors follow ``json`` bytes."""
        media, more = JSON, [("x-request-id", given)]
        if trace is not None:
            more.append(("traceresponse", trace.header))
        if json:
            media = BINARY
            more.insert(0, (HEADER_LENGTH, str(json)))
        if ticket.packing is not None and len(content) > coding.SMALL:
            more.append(("vary", "accept-encoding"))
            if ticket.packing:
                more.append(("content-encoding", ticket.packing))
                content = coding.deflated(content, ticket.packing)
        return self._heads.written(200, media, ticket.service.version, len(content), more) + content

    def counted(self, seconds: float, generations: Mapping[int, int]) -> None:
        """Count requests that took so long each, by the numbers of their routes."""
        metrics = self._metrics
        for generation, requests in generations.items():
            metrics.begun += requests
            metrics.answered("infer", 200, seconds, requests)
            if generation:
                metrics.routed(generation, 200, seconds, requests)

    def _tell(self, gathering: Gathering, plain: Plain) -> None:
        client, ticket, head, body = plain.origin
        content = self._content(plain, ticket)
        if content is None:
            client.returned(head, body)
            return
        client.told(content)
        self.counted(clock.monotonic() - plain.came, {plain.generation: 1})
        if self._turns is not None:
            self._turnstile(gathering, ticket.service, self._turns).welcome(client, ticket)

    def _content(self, plain: Plain, ticket: Ticket) -> bytes | None:
        """The answer with its head; None where the ordinary road must give it."""
        if plain.body is None:
            return None
        try:
            return self.packed(ticket, plain.id, plain.trace, plain.body, plain.json)
        except Exception as error:  # noqa: BLE001  its client waits
            log.fault(error, "An answer could not be written.")
            return None

    def _turnstile(self, gathering: Gathering, service: Service, turns: Turns) -> Turnstile:
        found = self._turnstiles.get(gathering)
        if found is None:
            self._forget()
            begun = [self._heads.begun(200, kind, service.version) for kind in (JSON, BINARY)]
            found = Turnstile(
                gathering,
                self,
                turns,
                begun=(begun[0], begun[1]),
                largest=self._most,
                opened=lambda: service.gathering is gathering and not self._house.ending,
            )
            self._turnstiles[gathering] = found
        return found

    def _forget(self) -> None:
        """Close the turnstiles of models that were loaded anew, or unloaded."""
        kept = {service.gathering for service in self._services.values()}
        for gathering in [one for one in self._turnstiles if one not in kept]:
            self._turnstiles.pop(gathering).close()


__all__ = ["Express"]
