"""A fault on the short road costs nobody else an answer, and leaves nobody waiting for one."""

import asyncio
import json
import struct

import pytest
from toy_street import played
from toy_worker import ROWS, Worker, infer, posted, same

from sealift.serve.http.connection import Connection

PLAIN = posted(infer(ROWS[0], given="plain"))
LARGE = posted(infer(*ROWS * 200, given="large"), **{"accept-encoding": "gzip"})


class Fault:
    """A callable that fails at some of its calls, each told by its number from 0."""

    def __init__(self, call, fails=lambda _: True):
        self._call = call
        self._fails = fails
        self.calls = 0

    def __call__(self, *given, **named):
        """Call, or fail."""
        self.calls += 1
        if self._fails(self.calls - 1):
            raise RuntimeError("an injected fault")
        return self._call(*given, **named)


@pytest.fixture
def worker(tensor_folder):
    """A worker with a model that adds three numbers up."""
    return Worker(tensor_folder)


def turnstile_of(worker):
    """The turnstile of the one model."""
    (found,) = worker.app.express._turnstiles.values()
    return found


def faults(capsys):
    """What the log says of faults; every line is JSON."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == "fault"]


async def asked(street, request, spoil, clients=6):
    """Answers to one request of each of some clients that are lent, once the fault is there."""
    entered = [await street.enter(lent=False) for _ in range(clients)]
    while street.clients < clients:
        for client in entered:
            await client.ask(request)
    spoil(turnstile_of(street.worker))
    for client in entered:
        client.out.write(request)
    answers = [await client.answer() for client in entered]
    return entered, answers


@pytest.mark.parametrize("where", ["_note", "counted"])
def test_answers_that_cannot_be_counted_are_given(worker, capsys, where):
    """And the clients are served on; the log says where it failed."""

    def spoil(turnstile):
        holder = turnstile if where == "_note" else turnstile._desk
        setattr(holder, where, Fault(getattr(holder, where)))

    async def scene(street):
        clients, answers = await asked(street, PLAIN, spoil)
        return answers + [await client.ask(PLAIN) for client in clients]

    expected = same(worker.alone(PLAIN))
    assert {same(one) for one in played(worker, scene)} == {expected}
    said = faults(capsys)
    assert said
    assert {line["what"] for line in said} == {"Answers were not counted."}
    assert "an injected fault" in said[0]["error"]
    assert "_count" in said[0]["trace"]


def test_a_client_whose_answer_cannot_be_written_is_closed_and_the_others_are_served(
    worker, capsys
):
    """The third of six, whose answers are to be compressed."""

    def spoil(turnstile):
        turnstile._desk.packed = Fault(turnstile._desk.packed, lambda number: number == 2)

    async def scene(street):
        clients, answers = await asked(street, LARGE, spoil)
        unanswered = [number for number, one in enumerate(answers) if one == b""]
        assert await clients[unanswered[0]].come.read() == b""
        return answers

    answers = played(worker, scene)
    assert sorted(one[9:12] for one in answers) == [b"", *[b"200"] * 5]
    assert [line["what"] for line in faults(capsys)] == ["A client was closed unanswered."]


def test_clients_are_closed_at_once_if_a_turn_fails_as_nobody_foresaw(worker, capsys):
    """Before any of them is answered; a client that comes again is served."""

    def spoil(turnstile):
        turnstile._gate.tell = Fault(turnstile._gate.tell, lambda number: number == 0)

    async def scene(street):
        _, answers = await asked(street, PLAIN, spoil)
        again = await street.enter()
        return answers, await again.ask(PLAIN)

    answers, again = played(worker, scene)
    assert b"" in answers
    assert {one[9:12] for one in answers} <= {b"", b"200"}
    assert same(again) == same(worker.alone(PLAIN))
    (said,) = faults(capsys)
    assert said["what"] == "Clients were closed, some of them unanswered."


def test_what_the_compiled_code_cannot_hold_takes_the_ordinary_road(worker):
    """An output less than the contract says, for whatever reason."""

    def spoil(turnstile):
        turnstile._code.hold = Fault(turnstile._code.hold)

    async def scene(street):
        _, answers = await asked(street, PLAIN, spoil)
        return answers

    assert {same(one) for one in played(worker, scene)} == {same(worker.alone(PLAIN))}


def test_a_client_that_cannot_be_sent_back_costs_the_others_nothing(worker, capsys, monkeypatch):
    """All of them send at once what is not plain; one connection fails at it."""
    fault = Fault(Connection.came, lambda number: number == 1)

    def came(connection, data):
        fault(connection, data)

    async def scene(street):
        clients = [await street.enter() for _ in range(4)]
        monkeypatch.setattr(Connection, "came", came)
        for client in clients:
            client.out.write(posted(b"{}"))
        answers = [await client.answer() for client in clients]
        monkeypatch.undo()
        return answers

    answers = played(worker, scene)
    assert sorted(one[9:12] for one in answers) == [b"", b"400", b"400", b"400"]
    assert [line["what"] for line in faults(capsys)] == ["A client was closed unanswered."]


@pytest.mark.parametrize("where", ["packed", "counted", "note"])
def test_clients_that_are_not_lent_are_answered_whatever_fails(worker, capsys, where):
    """Those whose requests come by the short road, in one turn."""
    express, gathering = worker.app.express, worker.service.gathering
    holder = gathering if where == "note" else express
    setattr(holder, where, Fault(getattr(holder, where), lambda number: number in (0, 3)))
    answers = worker.turn(*[PLAIN] * 5)
    assert [same(one) for one in answers] == [same(worker.alone(PLAIN))] * 5
    assert len(faults(capsys)) == 2


def test_a_fault_of_a_callback_is_a_line_of_the_log(worker, capsys):
    """Like everything that the server says: an object of JSON, with where it was raised."""

    async def scene(street):
        client = await street.enter(lent=False)
        client.out.transport.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))

        def fails():
            raise ValueError("of a callback")

        asyncio.get_running_loop().call_soon(fails)
        return await client.ask(PLAIN)

    assert played(worker, scene).startswith(b"HTTP/1.1 200")
    (said,) = faults(capsys)
    assert said["error"] == "of a callback"
    assert "fails" in said["trace"]
    assert said["what"]
