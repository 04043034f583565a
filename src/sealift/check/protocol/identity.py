"""The id of a request."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sealift.check.protocol.refusal import refused
from sealift.check.protocol.rule import Choice, Fault, Seen, rest, rule
from sealift.check.protocol.server import Server

_ID = "Inference Request JSON Object, id"


def _comes_back(server: Server, identifier: str) -> Iterator[Seen]:
    answer = server.infer(server.good(id=identifier))
    if not answer.ok:
        yield Fault("A request with this id is refused.", answer)
    elif answer.object.get("id") != identifier:
        yield Fault(f"The id that comes back is {answer.object.get('id')!r}.", answer)


@rule("must", rest(_ID))
def id_comes_back(server: Server) -> Iterator[Seen]:
    """The id of a request is returned in the answer."""
    yield from _comes_back(server, "grade-1")


@rule("should", rest(_ID))
def id_of_any_letters_comes_back(server: Server) -> Iterator[Seen]:
    """The id is any text: letters of all alphabets, quotation marks and slashes come back."""
    yield from _comes_back(server, 'Zoë "7"/🛫')


@rule("must", rest(_ID))
def ids_are_not_mixed_up(server: Server) -> Iterator[Seen]:
    """Requests at the same time get each their own id back."""

    def one(number: int) -> Seen | None:
        answer = server.infer(server.good(id=f"grade-{number}"))
        if answer.ok and answer.object.get("id") == f"grade-{number}":
            return None
        return Fault(f"'grade-{number}' does not come back.", answer)

    with ThreadPoolExecutor(8) as crowd:
        yield from (found for found in crowd.map(one, range(16)) if found is not None)


@rule("unclear", rest(_ID + "; contradiction 5"))
def answer_without_an_id(server: Server) -> Iterator[Seen]:
    """The answer's schema demands an id, the words beside it only that of the request, if any."""
    if "id" in server.request:
        body = {name: value for name, value in server.good().items() if name != "id"}
        answer = server.infer(body)
    else:
        answer = server.answer
    told = "has an id all the same" if answer.object.get("id") else "has none"
    yield Choice(f"a request without an id: the answer {told}", answer)


@rule("should", rest(_ID))
def id_is_a_text(server: Server) -> Iterator[Seen]:
    """An id that is no text is refused in the right form, or comes back as it is."""
    answer = server.infer(server.good(id=7))
    if answer.ok:
        if answer.object.get("id") != 7:
            told = f"The number 7 comes back as {answer.object.get('id')!r}."
            yield Fault(told, answer)
    else:
        yield from refused(answer)


RULES = (
    id_comes_back,
    id_of_any_letters_comes_back,
    ids_are_not_mixed_up,
    id_is_a_text,
    answer_without_an_id,
)

__all__ = ["RULES"]
