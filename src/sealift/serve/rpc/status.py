"""The status codes of gRPC, and what travels beside them.

Numbers and the escaping of messages: the gRPC documents "Statuscodes" and "gRPC over HTTP2".
"""

from __future__ import annotations

import re

from sealift.serve.refusal import RefusalError

OK = 0
CANCELLED = 1
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14

_BY_STATUS = {
    403: PERMISSION_DENIED,
    404: NOT_FOUND,
    405: UNIMPLEMENTED,
    408: DEADLINE_EXCEEDED,
    409: FAILED_PRECONDITION,
    413: RESOURCE_EXHAUSTED,
    415: UNIMPLEMENTED,
    429: RESOURCE_EXHAUSTED,
    500: INTERNAL,
    503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
}
_ESCAPED = re.compile(rb"[^ -$&-~]")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def of(status: int) -> int:
    """The code for a status of HTTP; what is not said otherwise is the request's fault.

    >>> of(404) == NOT_FOUND, of(400) == INVALID_ARGUMENT
    (True, True)
    """
    return _BY_STATUS.get(status, INVALID_ARGUMENT)


def told(refusal: RefusalError) -> list[tuple[str, str]]:
    """The trailers of a refusal: its code, the reason, and the same slug and path as in REST."""
    trailers = [
        ("grpc-status", str(of(refusal.status))),
        ("grpc-message", escaped(refusal.what)),
        ("sealift-code", refusal.code),
    ]
    if refusal.where:
        trailers.append(("sealift-path", escaped(refusal.where)))
    trailers += [
        ("grpc-retry-pushback-ms", f"{seconds}000")
        for name, seconds in refusal.headers
        if name == "retry-after"
    ]
    return trailers


def escaped(text: str) -> str:
    """A text as a header can carry it.

    >>> escaped("50% ä")
    '50%25 %C3%A4'
    """
    return _ESCAPED.sub(lambda found: b"%%%02X" % found[0][0], text.encode()).decode()


def timeout(header: str) -> float:
    """The seconds that ``grpc-timeout`` says. Raises ``RefusalError``.

    >>> timeout("250m")
    0.25
    """
    found = _TIMEOUT.fullmatch(header)
    if found is None:
        raise RefusalError(
            "grpc-timeout must be up to eight digits and one of H, M, S, m, u, n.",
            code="bad_timeout",
            path="grpc-timeout",
        )
    return int(found[1]) * _SECONDS[found[2]]


__all__ = [
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "OK",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "escaped",
    "of",
    "timeout",
    "told",
]
