"""The short road: requests for predictions in their plainest form.

Most requests come whole, in the protocol's plainest form, hold nothing but values that the training
data had, and ask a model that takes microseconds. Such requests are read by compiled code as they
come, and those of one turn of the event loop are answered at its end, by one call of the model
where it is proven that this changes no answer. None of them waits for company: the turn ends when
all that had come has been read.

The short road says yes or nothing. Whatever is not plain, or may not end well, takes the ordinary
road from its beginning; and what is said here is what would have been said there.
"""

from __future__ import annotations

from sealift import clock
from sealift.serve import coding
from sealift.serve.access import Mode
from sealift.serve.answer import JSON
from sealift.serve.call import presentable, routed
from sealift.serve.encode import BINARY
from sealift.serve.gathering import Gathering, Plain
from sealift.serve.guard import ID_LENGTH
from sealift.serve.house import House
from sealift.serve.http.answers import Client
from sealift.serve.http.head import Head
from sealift.serve.http.written import Heads
from sealift.serve.messages import HEADER_LENGTH, binary_from
from sealift.serve.service import Service

PATIENCE = 0.1
"""Seconds of a deadline that what is answered here never comes near."""

_ASIDE = ("content-encoding", "expect", "traceparent", "transfer-encoding", "x-sealift-timeout")
"""Headers of requests that take the ordinary road."""


class Ticket:
    """What the head of a request means here, worked out once for all requests with the same.

    ``service`` is the model that is asked, None where the request takes the ordinary road; ``id``
    is the client's, empty where it gives none; ``header`` where tensors in bytes begin in the body,
    0 for JSON alone; ``packing`` is how large answers are compressed,
    empty where they are not though the client says what it takes, None where it says nothing.
    """

    __slots__ = ("generation", "header", "id", "packing", "service")

    def __init__(self, service: Service | None, head: Head) -> None:
        said = head.headers.get("accept-encoding")
        self.service = service
        self.id = head.headers.get("x-request-id", "")
        self.generation = routed(head.headers.get("x-sealift-generation"))
        self.header = binary_from(head.headers.get(HEADER_LENGTH))
        self.packing = None if said is None else coding.accepted(said)


class Express:
    """The short road of one worker."""

    def __init__(self, house: House, heads: Heads, access: Mode) -> None:
        self._house = house
        self._metrics = house.metrics
        self._heads = heads
        self._tokens = clock.Tokens()
        self._most = house.limits.body
        self._waiting: dict[Gathering, Service] = {}
        self._services = {path: one for one in house.services.values() for path in one.paths}
        if access == "all" or 0 < house.limits.timeout < PATIENCE:
            self._services = {}

    def take(self, client: Client, head: Head, body: bytes) -> bool:
        """Whether the request is answered at the end of this turn; else it is not touched."""
        ticket = head.ticket
        if ticket is None:
            ticket = head.ticket = self._ticket(head)
        service = ticket.service
        if service is None or self._house.ending or len(body) > self._most:
            return False
        gathering = service.gathering
        if gathering is None:
            return False
        if gathering.full:
            self.answer()
        plain = gathering.take(body, ticket.header, (client, ticket, head, body))
        if plain is None:
            return False
        plain.id = plain.id or ticket.id or self._tokens.next(20)
        self._waiting[gathering] = service
        return True

    def answer(self) -> bool:
        """Answer all that were taken; whether there were any."""
        if not self._waiting:
            return False
        waiting, self._waiting = self._waiting, {}
        # an answer may bring the client's next request, for which the memory must be free
        answered = [(service, gathering.answered()) for gathering, service in waiting.items()]
        for service, plains in answered:
            for plain in plains:
                self._tell(service, plain)
        return True

    def _tell(self, service: Service, plain: Plain) -> None:
        client, ticket, head, body = plain.origin
        content, more = plain.body, [("x-request-id", plain.id)]
        if content is None:
            client.returned(head, body)
            return
        kind = JSON
        if plain.json:
            kind = BINARY
            more.insert(0, (HEADER_LENGTH, str(plain.json)))
        if ticket.packing is not None and len(content) > coding.SMALL:
            more.append(("vary", "accept-encoding"))
            if ticket.packing:
                more.append(("content-encoding", ticket.packing))
                content = coding.deflated(content, ticket.packing)
        written = self._heads.written(200, kind, service.version, len(content), more)
        client.told(written + content)
        seconds = clock.monotonic() - plain.came
        self._metrics.begun += 1
        self._metrics.answered("infer", 200, seconds)
        if ticket.generation:
            self._metrics.routed(ticket.generation, 200, seconds)

    def _ticket(self, head: Head) -> Ticket:
        service = self._services.get(head.path) if head.method == "POST" else None
        ticket = Ticket(service, head)
        if (
            not head.keeps
            or any(name in head.headers for name in _ASIDE)
            or head.headers.get("content-type", "") not in ("", JSON, BINARY)
            or (HEADER_LENGTH in head.headers and not ticket.header)
            or len(ticket.id) > ID_LENGTH
            or not presentable(ticket.id)
        ):
            ticket.service = None
        return ticket


__all__ = ["Express", "Ticket"]
