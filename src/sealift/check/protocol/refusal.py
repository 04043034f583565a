"""How a request that is wrong must be answered."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.rule import Choice, Fault, Seen


def refused(answer: Exchange) -> Iterator[Seen]:
    """It must get an error status and an object with the text "error"; it should get a 4xx."""
    if not answer.status:
        yield Fault("No answer comes.", answer)
    elif answer.status < 400:
        yield Fault("It is taken as if it were right.", answer)
    else:
        yield from in_form(answer)


def in_form(answer: Exchange) -> Iterator[Seen]:
    """An error answer has the text "error", and blames the client for a client's mistake."""
    if not isinstance(answer.object.get("error"), str):
        yield Fault(f"The answer ({answer.status}) has no text 'error'.", answer, "must")
    if answer.status >= 500:
        told = f"A client's mistake is answered with {answer.status}, as the server's fault."
        yield Fault(told, answer, "should")


def chosen(words: str, answer: Exchange) -> Iterator[Seen]:
    """What the specification leaves open may be taken or refused; if refused, then in form."""
    if not answer.status:
        yield Fault(f"{words}: no answer comes.", answer, "must")
    elif answer.status < 400:
        yield Choice(f"{words}: taken", answer)
    else:
        yield Choice(f"{words}: refused with {answer.status}", answer)
        yield from in_form(answer)


__all__ = ["chosen", "in_form", "refused"]
