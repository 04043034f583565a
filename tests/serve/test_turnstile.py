"""Clients that go on to send plain requests are served by compiled code, as if they were not."""

import asyncio
import json
import random
import re
import socket
import struct

import pytest
from toy_street import KINDS, played
from toy_worker import ROWS, Worker, infer, packed, posted, same

from sealift.serve.http.incoming import AHEAD
from sealift.serve.http.listener import SCRATCH
from sealift.serve.recorder import Recorder


@pytest.fixture
def worker(tensor_folder):
    """A worker with a model that adds three numbers up."""
    return Worker(tensor_folder)


@pytest.mark.parametrize("request_", KINDS)
def test_a_client_that_is_lent_gets_the_answers_of_the_ordinary_road(worker, request_):
    """Each form, again and again; in one piece, and in two, parted anywhere."""
    expected = same(worker.alone(request_))

    async def scene(street):
        client = await street.enter(lent=False)
        answers = [await client.ask(request_) for _ in range(5)]
        assert street.clients == 1
        places = range(1, len(request_), 1 + len(request_) // 60)
        answers += [await client.ask(request_[:at], request_[at:]) for at in places]
        assert street.clients == 1
        return answers

    for answer in played(worker, scene):
        assert same(answer) == expected


def test_what_memory_held_before_means_nothing(worker):
    """It is not set before it is used."""
    request = posted(infer(ROWS[0]))

    async def scene(street):
        client = await street.enter()
        (turnstile,) = worker.app.express._turnstiles.values()
        turnstile._gate._taken[:] = b"\xff" * len(turnstile._gate._taken)
        return await client.ask(request)

    assert same(played(worker, scene)) == same(worker.alone(request))


def test_the_answers_of_one_turn_have_one_call_of_the_model(worker):
    """Of clients that ask in the same moment."""

    async def scene(street):
        clients = [await street.enter() for _ in range(6)]
        assert street.clients == 6
        worker.model.calls.clear()
        requests = [posted(infer(*ROWS[: number + 1], given=f"n{number}")) for number in range(6)]
        for client, request in zip(clients, requests, strict=True):
            client.out.write(request)
        answers = [await client.answer() for client in clients]
        return requests, answers

    requests, answers = played(worker, scene)
    assert worker.model.calls == [21]
    assert [same(one) for one in answers] == [same(worker.alone(one)) for one in requests]


def test_a_client_that_sends_much_in_one_moment_with_others_keeps_its_order(worker):
    """More than is received at once, and requests that come while those of others are read."""
    long = posted(infer(ROWS[0], given="long") + b" " * 300_000)
    plain = [posted(infer(ROWS[number], given=f"n{number}")) for number in range(5)]
    asked = [[plain[0]], [long, plain[1]], [plain[2], long], [long, long], [plain[4]]]

    async def scene(street):
        told = []
        for ordinary in (True, False):
            clients = [await street.enter(ordinary=ordinary) for _ in asked]
            for client, requests in zip(clients, asked, strict=True):
                client.out.write(b"".join(requests))
            told.append(
                [
                    [same(await client.answer()) for _ in requests]
                    for client, requests in zip(clients, asked, strict=True)
                ]
            )
        return told

    expected, answers = played(worker, scene)
    assert answers == expected


def test_fields_that_mean_nothing_to_the_server_may_change(worker):
    """From request to request: who asks, for whom, with which cookie and trace."""
    chance = random.Random(3)

    async def scene(street):
        client = await street.enter()
        for number in range(30):
            fields = {
                "user-agent": f"agent {number}",
                "X-Forwarded-For": f"192.0.2.{number}",
                "cookie": "=" * number,
                "traceparent": f"00-{number + 1:032x}-{chance.getrandbits(60) + 1:016x}-00",
                "x-request-id": f"n{number}",
            }
            request = posted(infer(*ROWS[: 1 + number % 6]), **fields)
            assert same(await client.ask(request)) == same(worker.alone(request))
            if number > 9:
                assert street.clients == 1

    played(worker, scene)


OTHERS = [
    b"GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /v2/models/toy/infer HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
    b"GET / HTTP/1.1\nhost: x\n\n",
    posted(infer((5.0, 0.0, 0.0))),
    posted(infer(ROWS[0]).replace(b"FP32", b"FP31")),
    posted(infer(ROWS[0]), **{"content-type": "text/plain"}),
    posted(infer(ROWS[0]), connection="close"),
    posted(infer(ROWS[0]), **{"x-request-id": "a" * 200}),
    posted(infer(ROWS[0]), **{"x-request-id": "a b"}),
    posted(infer(ROWS[0]), traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba9-1"),
    posted(infer(ROWS[0])).replace(b"content-length: ", b"content-length: 0"),
    posted(infer(ROWS[0])).replace(b"content-length: ", b"content-length: +"),
    posted(infer(ROWS[0])).replace(b"host: x\r\n", b"host: x\r\nhost: x\r\n"),
    posted(b'{"rows": [{"a": 1, "b": 0, "c": 0}]}', path="/predict"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_not_plain_goes_back_and_is_answered_as_ever(worker, other):
    """Alone, and with a plain request before it or behind it in the same piece."""
    plain = posted(infer(ROWS[1], given="plain"))

    async def scene(street):
        for content in (other, plain + other, other + plain):
            answers = []
            for ordinary in (False, True):
                client = await street.enter(ordinary=ordinary)
                client.out.write(content)
                client.out.write_eof()
                answers.append(same(await client.come.read()))
                client.out.close()
            assert answers[0] == answers[1]
            assert answers[0] or plain not in content

    played(worker, scene)


def test_clients_whose_heads_differ_have_the_right_answers(worker):
    """More kinds of heads than are known at a time, in turns."""

    async def scene(street):
        clients = [await street.enter(lent=False) for _ in range(300)]
        for turn in range(5):
            requests = [
                posted(infer(ROWS[number % 6], given=f"n{number}-{turn}"), agent=str(number))
                for number in range(300)
            ]
            for client, request in zip(clients, requests, strict=True):
                client.out.write(request)
            for client, request in zip(clients, requests, strict=True):
                assert same(await client.answer()) == same(worker.alone(request))
        assert street.clients

    played(worker, scene)


def test_a_client_that_does_not_end_its_request_is_told_so(worker):
    """In time, and whatever it has begun goes on where it says more."""
    request = posted(infer(ROWS[0]))

    async def scene(street):
        slow, late = await street.enter(), await street.enter()
        slow.out.write(request[:-9])
        late.out.write(request[:-9])
        await asyncio.sleep(1.2)
        late.out.write(request[-9:])
        answer = await late.answer()
        return answer, await slow.answer(), await slow.come.read()

    answer, refusal, rest = played(worker, scene, patience=1.5)
    assert same(answer) == same(worker.alone(request))
    assert refusal.startswith(b"HTTP/1.1 408")
    assert rest == b""


def test_a_client_that_reads_late_gets_all_its_answers(worker):
    """More than the kernel keeps for it."""
    request = posted(infer(*ROWS * 200, given="many"))
    expected = same(worker.alone(request))

    async def scene(street):
        client = await street.enter()
        client.out.transport.pause_reading()
        for _ in range(400):
            client.out.write(request)
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        client.out.transport.resume_reading()
        return [await client.answer() for _ in range(400)]

    assert {same(one) for one in played(worker, scene)} == {expected}


@pytest.mark.parametrize("lent", [True, False])
def test_a_client_that_sends_without_waiting_is_read_no_further_than_it_is_served(worker, lent):
    """However much it sends: what comes faster than it can be answered stays with the client."""
    request = posted(infer(*ROWS * 60, given="many"))
    expected, most = same(worker.alone(request)), AHEAD + SCRATCH + len(request)

    async def scene(street):
        client = await street.enter(lent=lent)
        (connection,) = street.listener._connections
        held, answers = [], 0
        for _ in range(3000):
            client.out.write(request)
        while answers < 3000:
            assert same(await client.answer()) == expected
            held.append(len(connection._incoming))
            answers += 1
        return max(held)

    assert played(worker, scene) <= most


def test_clients_that_leave_at_any_moment_disturb_nobody(worker):
    """Politely, rudely, in the middle of a request, and before they have read the answer."""
    request = posted(infer(ROWS[0]))
    rude = struct.pack("ii", 1, 0)

    async def scene(street):
        stays = await street.enter()
        for number in range(40):
            leaves = await street.enter()
            leaves.out.write(request[: len(request) * (number % 4) // 3])
            if number % 2:
                peer = leaves.out.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, rude)
            leaves.out.close()
            assert (await stays.ask(request)).startswith(b"HTTP/1.1 200")
        while street.clients > 1:
            await asyncio.sleep(0.01)

    played(worker, scene)


def test_a_server_that_ends_answers_what_has_come_and_closes(worker):
    """Idle clients, one whose request has come, and one that has begun to ask."""
    request = posted(infer(ROWS[0]))

    async def scene(street):
        idle, asks, begins = [await street.enter() for _ in range(3)]
        asks.out.write(request)
        begins.out.write(request[:-5])
        await asyncio.sleep(0.05)
        worker.house.end()
        street.listener.end()
        begins.out.write(request[-5:])
        return await idle.come.read(), await asks.answer(), await begins.answer()

    closed, answered, begun = played(worker, scene)
    assert closed == b""
    assert answered.startswith(b"HTTP/1.1 200")
    assert begun.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in begun


def test_a_model_that_is_unloaded_or_loaded_anew_serves_no_client_from_before(worker):
    """It is said that it is not there; after that the new one answers."""
    request = posted(infer(ROWS[0]))

    async def scene(street):
        client = await street.enter()
        worker.service._loaded, before = None, worker.service._loaded
        gone = await client.ask(request)
        worker.service._loaded = before
        again = await street.enter()
        assert (await again.ask(request)).startswith(b"HTTP/1.1 200")
        worker.renew()
        worker.model.calls.clear()
        answers = [await again.ask(request) for _ in range(9)]
        assert len(worker.model.calls) == 9
        assert len(worker.app.express._turnstiles) == 1
        return gone, answers

    gone, answers = played(worker, scene)
    assert gone.startswith(b"HTTP/1.1 503")
    assert {same(one) for one in answers} == {same(worker.alone(request))}


FORMS = {
    "JSON": lambda *rows, **more: posted(infer(*rows, **more)),
    "bytes": lambda *rows, given=None: packed(*rows, **({"id": given} if given else {})),
}


def test_tensors_in_bytes_are_received_where_the_model_is_asked_from(worker):
    """Where they are as long as the last ones; else they are copied there."""
    chance = random.Random(5)
    straight = []

    def note(_code, party):
        gate, part = party._turnstile._gate, party._part
        lengths, kept = gate.column("length", part), gate.column("split", part)
        straight.extend(length - split for length, split in zip(lengths, kept, strict=True))

    async def scene(street):
        clients = [await street.enter() for _ in range(3)]
        (turnstile,) = worker.app.express._turnstiles.values()
        turnstile._note = note
        for _ in range(120):
            rows = ROWS[: chance.choice((2, 2, 2, 3, 6))]
            form = FORMS[chance.choice(("bytes", "bytes", "bytes", "JSON"))]
            request = form(*rows, given=chance.choice((None, "n")))
            for client in clients:
                client.out.write(request)
            for client in clients:
                assert same(await client.answer()) == same(worker.alone(request))

    played(worker, scene)
    assert len(straight) > 60
    assert set(straight) >= {0, 24}
    assert set(straight) <= {0, 24, 36, 72}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_request_at_which_the_model_fails_spoils_no_other(worker, form):
    """All of the call take the ordinary road, each by itself."""

    async def scene(street):
        clients = [await street.enter() for _ in range(6)]
        for client in clients:
            assert b" 200 " in await client.ask(form(ROWS[0]))
        worker.model.fails = lambda rows: (rows[:, 2] == ROWS[2][2]).any()
        for client, row in zip(clients, ROWS, strict=True):
            client.out.write(form(row))
        return [await client.answer() for client in clients]

    answers = played(worker, scene)
    assert [one[9:12] for one in answers] == [b"200", b"200", b"500", b"200", b"200", b"200"]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_that_cannot_be_written_plainly_takes_the_ordinary_road(worker, form):
    """The others of the same call are answered at once."""

    async def scene(street):
        clients = [await street.enter() for _ in range(6)]
        for client in clients:
            assert b" 200 " in await client.ask(form(ROWS[0]))
        worker.model.spoils = lambda rows: rows[:, 2] == ROWS[2][2]
        for client, row in zip(clients, ROWS, strict=True):
            client.out.write(form(row, given="n"))
        return [await client.answer() for client in clients]

    answers = played(worker, scene)
    assert [b"null" in one or b"NaN" in one for one in answers] == [
        *(False, False, True, False, False, False)
    ]
    assert [one[9:12] for one in answers].count(b"200") >= 5


def test_all_is_counted_and_recorded_as_on_the_ordinary_road(tensor_folder, tmp_path):
    """Requests, rows, routes, calls; ids, inputs and outputs."""
    written, numbers = [], []
    requests = [
        posted(infer(*ROWS[: 1 + number % 4], given=f"n{number}"), **{"x-sealift-generation": "7"})
        for number in range(12)
    ]
    for lent in (True, False):
        recorder = Recorder(tmp_path / str(lent), names=["a", "b", "c"], version=3)
        worker = Worker(tensor_folder, recorder=recorder)

        async def scene(street, lent=lent, worker=worker):
            clients = [await street.enter(lent=lent) for _ in range(4)]
            before = _counted(worker)
            for client, request in zip(clients * 3, requests, strict=True):
                client.out.write(request)
                await client.answer()
            return [now - then for now, then in zip(_counted(worker), before, strict=True)]

        numbers.append(played(worker, scene))
        recorder.close()
        (file,) = (tmp_path / str(lent)).iterdir()
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        written.append(
            [
                {name: value for name, value in one.items() if name not in ("at", "seconds")}
                for one in lines
                if one["id"].startswith("n")
            ]
        )

    assert numbers[0] == numbers[1] == [30, 12, 12, 12, 12]
    assert written[0] == written[1]
    assert len(written[0]) == 30


def _counted(worker):
    """Rows, requests and calls of the model, requests, and those that came by the route 7."""
    stats = worker.service.statistics()
    totals = worker.seat.board.totals()
    routed = [n for name, n in totals.items() if name[:2] == ("sealift_routed_seconds_bucket", "7")]
    return [
        stats["inference_count"],
        stats["inference_stats"]["success"]["count"],
        stats["execution_count"],
        totals[("sealift_requests_total", "infer", "200")],
        sum(routed),
    ]


def test_damaged_requests_are_answered_as_by_the_ordinary_road(worker):
    """Bytes changed, left out and doubled, in two pieces: the same status, and the same answer.

    How the bytes fall decides which fault of what is no HTTP is seen first, and told.
    """
    told = re.compile(rb"content-length: \d+\r\n\r\n.*malformed_http.*", re.DOTALL)
    chance = random.Random(20)
    cases = []
    for _ in range(600):
        content = bytearray(chance.choice(KINDS[:6] + KINDS[9:]))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(content))
            what = chance.randrange(3)
            if what == 0:
                content[at] = chance.choice(b'0123456789.,-+eE"{}[]: \r\n\0abcXYZ\xff')
            elif what == 1:
                del content[at : at + chance.randint(1, 8)]
            else:
                content[at:at] = content[at : at + chance.randint(1, 8)]
        cases.append((bytes(content), chance.randrange(1, len(content))))

    async def scene(street):
        for content, at in cases:
            answers = []
            for ordinary in (False, True):
                client = await street.enter(ordinary=ordinary)
                client.out.write(content[:at])
                await asyncio.sleep(chance.choice([0, 0, 0.001]))
                client.out.write(content[at:])
                client.out.write_eof()
                answers.append(same(await client.come.read()))
                client.out.close()
            first, second = (told.sub(b"", one) for one in answers)
            assert first == second, content

    played(worker, scene)
