"""What the head of a request means on the short road, worked out once for all with the same."""

from __future__ import annotations

from sealift.serve import coding
from sealift.serve.answer import JSON
from sealift.serve.call import presentable, routed
from sealift.serve.encode import BINARY
from sealift.serve.guard import ID_LENGTH
from sealift.serve.http.head import Head
from sealift.serve.messages import HEADER_LENGTH, binary_from
from sealift.serve.service import Service

_ASIDE = ("content-encoding", "expect", "transfer-encoding", "x-sealift-timeout")
"""Headers of requests that take the ordinary road."""


class Ticket:
    """What a head says.

    ``service`` is the model that is asked, and ``raw`` the head; ``id`` is the client's, empty
    where it gives none; ``header`` where tensors in bytes begin in the body, 0 for JSON alone;
    ``trace`` is what it says of a trace, None for nothing;
    ``generation`` the number of the route, 0 for none; ``packing`` is how large answers are
    compressed: empty where they are not though the client says what it takes, None where it says
    nothing.
    """

    __slots__ = ("generation", "header", "id", "packing", "raw", "service", "trace")

    def __init__(self, service: Service, head: Head) -> None:
        said = head.headers.get("accept-encoding")
        self.service = service
        self.raw = head.raw
        self.id = head.headers.get("x-request-id", "")
        self.trace = head.headers.get("traceparent")
        self.generation = routed(head.headers.get("x-sealift-generation"))
        self.header = binary_from(head.headers.get(HEADER_LENGTH))
        self.packing = None if said is None else coding.accepted(said)


def issued(service: Service, head: Head) -> Ticket | None:
    """The ticket for a request to a model; None for one that takes the ordinary road."""
    ticket = Ticket(service, head)
    if (
        head.method != "POST"
        or not head.keeps
        or any(name in head.headers for name in _ASIDE)
        or head.headers.get("content-type", "") not in ("", JSON, BINARY)
        or (HEADER_LENGTH in head.headers and not ticket.header)
        or len(ticket.id) > ID_LENGTH
        or not presentable(ticket.id)
    ):
        return None
    return ticket


__all__ = ["Ticket", "issued"]
