"""Calls on a connection: methods, headers, deadlines, calls that are given up, many at once."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.rpc.call import Call, Heard, framed
from sealift.check.protocol.rpc.inference import same
from sealift.check.protocol.rpc.messages import ASKED, SERVICE
from sealift.check.protocol.rpc.refusal import refused
from sealift.check.protocol.rpc.remote import INFER, Remote
from sealift.check.protocol.rpc.wire import written
from sealift.check.protocol.rule import Choice, Fault, Seen, rule, transport

_HTTP2 = "gRPC over HTTP2"
_AT_ONCE = 16


def _body(remote: Remote, name: str = "") -> bytes:
    return framed(written(ASKED, remote.good(id=name)))


@rule("must", transport("Status codes", "method not found"))
def unknown_method(remote: Remote) -> Iterator[Seen]:
    """A method or a service that is not there gets UNIMPLEMENTED."""
    for path in (f"/{SERVICE}/NoSuchMethod", "/no.such.Service/Method"):
        yield from refused(remote.send(path, framed(b"")), "UNIMPLEMENTED")


@rule("must", transport(_HTTP2, "Response-Headers, Trailers"))
def answers_in_form(remote: Remote) -> Iterator[Seen]:
    """An answer has HTTP status 200, the content type of gRPC, and its code in the trailers."""
    wrong = remote.infer(remote.good(model_name="no-such-model"))
    for call in (remote.good_call, wrong):
        kind = call.heard.headers.get("content-type", "")
        if not call.answered:
            yield Fault("No answer comes.", call)
        elif call.heard.http != 200:
            yield Fault(f"The status of HTTP is {call.heard.http}.", call)
        elif not kind.startswith("application/grpc"):
            yield Fault(f"The content type is {kind!r}.", call)
        elif not call.ended:
            yield Fault("There is no grpc-status in the trailers.", call)


@rule("must", transport(_HTTP2, "Status-Message"))
def reasons_are_escaped(remote: Remote) -> Iterator[Seen]:
    """The message of an error is escaped by percent signs, and so fits in a header."""
    call = remote.infer(remote.good(model_name="keins-größer 100% 中\n"))
    given = call.heard.trailers.get("grpc-message", "")
    if not call.answered:
        yield Fault("No answer comes.", call)
    elif not given.isascii() or not given.isprintable():
        yield Fault("It holds letters that are not escaped.", call)


@rule("should", transport(_HTTP2, "Content-Type"))
def another_media_type(remote: Remote) -> Iterator[Seen]:
    """A request of another media type gets status 415 of HTTP, one of gRPC's with a suffix none."""
    other = remote.send(INFER, _body(remote), metadata={"content-type": "text/plain"})
    if not other.answered:
        yield Fault("No answer comes.", other)
    elif other.heard.http == 200 and other.ok:
        yield Fault("It is taken as if it were right.", other)
    metadata = {"content-type": "application/grpc+proto"}
    named = remote.send(INFER, _body(remote), value=remote.good(), metadata=metadata)
    yield from same(remote, named, "application/grpc+proto")


@rule("should", transport(_HTTP2, "Custom-Metadata"))
def unknown_metadata(remote: Remote) -> Iterator[Seen]:
    """Metadata that the server does not know, as text or as bytes, do no harm."""
    call = remote.infer(remote.good(), x_own="a", x_own_bin="AAEC")
    yield from same(remote, call, "A call with metadata of its own")


@rule("should", transport(_HTTP2, "Timeout; Status codes, deadline"))
def deadline_that_is_over(remote: Remote) -> Iterator[Seen]:
    """A call whose deadline is over ends soon, by DEADLINE_EXCEEDED or as given up."""
    call = remote.infer(remote.good(), grpc_timeout="1n")
    if not call.answered and not call.heard.lost.startswith("the server"):
        yield Fault("The call hangs beyond its deadline.", call)
    elif call.ok:
        yield Choice("a deadline of 1 ns: answered all the same", call)
    elif call.status not in ("DEADLINE_EXCEEDED", "CANCELLED"):
        yield Fault(f"The code is {call.status}, not DEADLINE_EXCEEDED.", call)


@rule("must", transport(_HTTP2, "Timeout"))
def deadline_that_is_far(remote: Remote) -> Iterator[Seen]:
    """A call with time enough is answered, in whatever unit the time is told."""
    for told in ("1H", "5M", "99999999m"):
        yield from same(remote, remote.infer(remote.good(), grpc_timeout=told), f"A time of {told}")


@rule("must", transport(_HTTP2, "Errors, RST_STREAM; Status codes, cancelled"))
def calls_that_are_given_up(remote: Remote) -> Iterator[Seen]:
    """A call given up before, in and after its message does not disturb others beside it."""
    body = _body(remote)
    try:
        with remote.channel() as channel:
            for size in (0, 3, len(body) // 2, len(body)):
                number = channel.open(INFER, {})
                channel.send(number, body[:size], end=size == len(body))
                channel.give_up(number)
            number = channel.open(INFER, {})
            channel.send(number, body)
            heard = channel.answer(number)
    except OSError as error:
        heard = Heard(lost=str(error))
    note = "after four calls on the same connection that were reset"
    call = Call(remote.place, INFER, {}, body, remote.good(), heard, note)
    yield from same(remote, call, "The call beside those that were given up")


@rule("must", transport(_HTTP2, "HTTP2 stream identification; RFC 9113, 5.1.2"))
def calls_at_once(remote: Remote) -> Iterator[Seen]:
    """Of many calls at once on a connection each has its own answer, under its own id."""
    names = [f"at-once-{number}" for number in range(_AT_ONCE)]
    calls: list[tuple[str, Call]] = []
    try:
        with remote.channel() as channel:
            numbers = {name: channel.open(INFER, {}) for name in names}
            for name, number in reversed(numbers.items()):
                channel.send(number, _body(remote, name))
            for name, number in numbers.items():
                value = remote.good(id=name)
                heard = channel.answer(number)
                note = f"with {_AT_ONCE - 1} others at once"
                calls.append((name, Call(remote.place, INFER, {}, b"", value, heard, note)))
    except OSError as error:
        heard = Heard(lost=str(error))
        calls.append((names[0], Call(remote.place, INFER, {}, b"", remote.good(), heard)))
    for name, call in calls:
        if call.ok and call.answer.get("id") != name:
            yield Fault(f"The call {name!r} has the answer of another, or none.", call)
        yield from same(remote, call, "One of many calls")


@rule("must", "RFC 9113 (HTTP/2): 6.7, PING")
def pings_are_answered(remote: Remote) -> Iterator[Seen]:
    """A connection answers whether it lives, as clients ask it that keep it open."""
    try:
        with remote.channel() as channel:
            number = channel.open(INFER, {})
            alive = channel.ping()
            channel.send(number, _body(remote))
            heard = channel.answer(number)
    except OSError as error:
        alive, heard = False, Heard(lost=str(error))
    note = "with a PING before its message"
    call = Call(remote.place, INFER, {}, _body(remote), remote.good(), heard, note)
    if not alive:
        yield Fault("No PING comes back.", call)
    yield from same(remote, call, "The call on that connection")


RULES = (
    unknown_method,
    answers_in_form,
    reasons_are_escaped,
    another_media_type,
    unknown_metadata,
    deadline_that_is_over,
    deadline_that_is_far,
    calls_that_are_given_up,
    calls_at_once,
    pings_are_answered,
)

__all__ = ["RULES"]
