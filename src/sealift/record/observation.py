"""What happened in production: requests, predictions, labels that came later."""

from __future__ import annotations

import msgspec


class RequestSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the router saw it.

    ``generation`` is the route in force; ``version`` the model version that answered; ``seconds``
    the time the service took; ``status`` the HTTP status sent to the client (0: none).
    """

    at: float
    generation: int
    version: int
    status: int
    seconds: float


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One row answered by a model.

    ``id`` is the caller's, or the server's where the caller gave none; ``inputs`` are the
    contract's fields; ``output`` is the prediction (a number, or a class label); ``seconds`` is
    the whole time in the server; ``trace`` is the id of the W3C trace that the request is part of.
    """

    id: str
    at: float
    version: int
    generation: int
    output: float | str
    seconds: float
    inputs: dict[str, float | int | bool | str | None]
    flagged: tuple[str, ...] = ()
    trace: str = ""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """The truth for a prediction, known later: a number or a class label."""

    id: str
    value: float | str
    at: float


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction joined with its label."""

    id: str
    at: float
    labelled: float
    version: int
    generation: int
    output: float | str
    value: float | str


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one field over the bins of its profile, for one version and one stretch of time."""

    version: int
    field: str
    since: float
    counts: tuple[int, ...]
    nulls: int = 0
