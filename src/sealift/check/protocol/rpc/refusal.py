"""How a call that is wrong must be answered."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.rpc.call import Call
from sealift.check.protocol.rule import Choice, Fault, Seen

MISTAKE = ("INVALID_ARGUMENT", "OUT_OF_RANGE")
"""The codes for what is wrong in itself."""


def refused(call: Call, *codes: str) -> Iterator[Seen]:
    """It must end with another code than OK; it should be one of these, and say why."""
    if not call.answered:
        yield Fault("No answer comes.", call)
    elif call.ok:
        yield Fault("It is taken as if it were right.", call)
    else:
        yield from in_form(call, *codes)


def in_form(call: Call, *codes: str) -> Iterator[Seen]:
    """An error has a code that says whose fault it is, and a message."""
    fitting = codes or MISTAKE
    if not call.ended:
        yield Fault("The call ends without grpc-status.", call, "must")
    elif call.status not in fitting:
        yield Fault(f"The code is {call.status}, not {fitting[0]}.", call, "should")
    if call.ended and not call.reason:
        yield Fault("There is no grpc-message.", call, "should")


def chosen(words: str, call: Call, *codes: str) -> Iterator[Seen]:
    """What the specification leaves open may be taken or refused; if refused, then in form."""
    if not call.answered:
        yield Fault(f"{words}: no answer comes.", call, "must")
    elif call.ok:
        yield Choice(f"{words}: taken", call)
    else:
        yield Choice(f"{words}: refused with {call.status}", call)
        yield from in_form(call, *codes)


__all__ = ["MISTAKE", "chosen", "in_form", "refused"]
