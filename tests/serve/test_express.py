"""Plain requests are answered together at the end of a turn, as if each had come alone."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import toy_models as models
from toy_running import Running, build
from toy_worker import LENGTH, PATH, ROWS, Worker, infer, packed, posted, same

from sealift.serve.limits import Limits
from sealift.serve.recorder import Recorder


@pytest.fixture
def worker(tensor_folder):
    """A worker with a model that adds three numbers up."""
    return Worker(tensor_folder)


def test_what_comes_in_one_turn_has_one_call_and_the_answers_of_the_ordinary_road(worker):
    """One row and several, with ids and without, from several clients."""
    requests = [
        posted(infer(ROWS[0])),
        posted(infer(*ROWS[1:4], given="mine")),
        posted(infer(ROWS[4]), **{"x-request-id": "theirs"}),
        posted(infer(ROWS[5], given="mine"), **{"x-request-id": "theirs"}),
    ]
    worker.model.calls.clear()
    answers = worker.turn(*requests)

    assert worker.model.calls == [6]
    assert [same(one) for one in answers] == [same(worker.alone(one)) for one in requests]
    assert all(one.startswith(b"HTTP/1.1 200") for one in answers)


def test_tensors_in_bytes_and_chosen_outputs_have_the_answers_of_the_ordinary_road(worker):
    """In and out, in one turn with others."""
    (output,) = (info.name for info in worker.model.outputs)
    chosen = json.dumps({"outputs": [{"name": output, "parameters": {"binary_data": True}}]})
    requests = [
        packed(ROWS[0], parameters={"binary_data_output": True}),
        packed(*ROWS[1:4], id="mine"),
        posted(infer(ROWS[4])[:-1] + b", " + chosen[1:].encode()),
        posted(infer(ROWS[5])),
        packed(ROWS[5], parameters={"binary_data_output": True}),
    ]
    worker.model.calls.clear()
    answers = worker.turn(*requests)

    assert worker.model.calls == [7]
    assert [same(one) for one in answers] == [same(worker.alone(one)) for one in requests]
    assert [LENGTH.encode() in one for one in answers] == [True, False, True, False, True]


@pytest.mark.parametrize("header", ["0", "x", "-1", "99999", "3"])
def test_lengths_that_say_nothing_plain_take_the_ordinary_road(worker, header):
    """Raw requests too."""
    good = packed(ROWS[0])
    request = re.sub(rb"(length: )\d+(\r\n\r\n)", rb"\g<1>%s\2" % header.encode(), good)
    (answer,) = worker.turn(request)
    assert request != good
    assert same(answer) == same(worker.alone(request))


def test_no_more_rows_are_joined_than_it_is_proven_for(tensor_folder):
    """Requests whose rows are too many together have calls of their own."""
    worker = Worker(tensor_folder, joined=3)
    requests = [posted(infer(*ROWS[:count])) for count in (2, 1, 2, 5, 1)]
    worker.model.calls.clear()
    answers = worker.turn(*requests)

    assert worker.model.calls == [3, 2, 5, 1]
    assert [same(one) for one in answers] == [same(worker.alone(one)) for one in requests]


def test_a_request_at_which_the_model_fails_spoils_no_other(worker):
    """All of the call take the ordinary road, each by itself."""
    requests = [posted(infer(row)) for row in ROWS]
    expected = [same(worker.alone(one)) for one in requests]
    worker.model.fails = lambda rows: (rows[:, 2] == ROWS[2][2]).any()
    answers = [same(one) for one in worker.turn(*requests)]

    assert answers[2].startswith(b"HTTP/1.1 500")
    assert answers[:2] + answers[3:] == expected[:2] + expected[3:]


def test_what_is_not_plain_takes_the_ordinary_road_in_the_same_turn(worker):
    """Rows by name, values beyond the training data, damage, and headers that ask for more."""
    far = posted(infer((5.0, 0.0, 0.0)))
    wrong = posted(infer(ROWS[0]).replace(b"FP32", b"FP31"))
    named = posted(b'{"rows": [{"a": 1, "b": 0, "c": 0}]}', path="/predict")
    traced = posted(
        infer(ROWS[0]), traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    )
    plain = posted(infer(ROWS[1]))
    answers = worker.turn(far, plain, wrong, named, traced)

    assert [one[9:12] for one in answers] == [b"200", b"200", b"400", b"200", b"200"]
    assert b'"flags"' in answers[0]
    assert b"traceresponse: 00-4bf92f3577b34da6a3ce929d0e0e4736-" in answers[4]
    assert same(answers[1]) == same(worker.alone(plain))


def test_requests_of_one_client_are_answered_in_their_order(worker):
    """Plain ones and others, all sent before the first answer."""
    bodies = [posted(infer(row, given=f"n{number}")) for number, row in enumerate(ROWS)]
    bodies[2] = posted(infer((5.0, 0.0, 0.0), given="n2"))
    door = worker.door()
    door.come(b"".join(bodies))
    while worker.app.express.answer():
        pass

    written = b"".join(door.wire.written)
    assert re.findall(rb'"id":"(n\d)"', written) == [b"n%d" % number for number in range(6)]


def test_a_client_that_left_before_its_answer_disturbs_nobody(worker):
    """The others are answered."""
    gone, there = worker.door(), worker.door()
    for door in (gone, there):
        door.come(posted(infer(ROWS[0])))
    gone.connection.connection_lost(None)
    worker.app.express.answer()

    assert not gone.wire.written
    assert b"".join(there.wire.written).startswith(b"HTTP/1.1 200")


def test_a_client_that_sends_no_more_gets_its_answer_and_is_let_go(worker):
    """As on the ordinary road."""
    door = worker.door()
    door.come(posted(infer(ROWS[0])))
    door.connection.eof_received()
    assert not door.wire.closed
    worker.app.express.answer()

    assert b"".join(door.wire.written).startswith(b"HTTP/1.1 200")
    assert door.wire.closed


def test_a_server_that_ends_takes_none_and_answers_those_it_took(worker):
    """The next request is told to close by the ordinary road."""
    door = worker.door()
    door.come(posted(infer(ROWS[0])))
    worker.house.end()
    door.connection.end()
    assert not door.wire.closed
    door.ending = True
    worker.app.express.answer()
    late = worker.turn(posted(infer(ROWS[0])))

    assert b"".join(door.wire.written).startswith(b"HTTP/1.1 200")
    assert door.wire.closed
    assert b"connection: close" in late[0]


def test_a_model_that_is_unloaded_meanwhile_still_answers_what_was_taken(worker):
    """What comes after is refused."""
    door = worker.door()
    door.come(posted(infer(ROWS[0])))
    asyncio.run(worker.service.unload(_Unload()))
    worker.app.express.answer()
    late = worker.turn(posted(infer(ROWS[0])))

    assert b"".join(door.wire.written).startswith(b"HTTP/1.1 200")
    assert late[0].startswith(b"HTTP/1.1 503")


class _Unload:
    async def body(self, *_):
        """Nothing."""
        return b""


def test_more_rows_than_a_turn_has_room_for_are_answered_on_the_way(worker):
    """Nothing is lost, and all is right."""
    requests = [posted(infer(*ROWS * 40)) for _ in range(9)]
    answers = worker.turn(*requests)

    assert {same(one) for one in answers} == {same(worker.alone(requests[0]))}


def test_large_answers_are_compressed_for_clients_that_take_it(worker):
    """Small ones are not; both as on the ordinary road."""
    headers = {"accept-encoding": "gzip", "x-request-id": "a"}
    for rows in (ROWS[:1], ROWS * 80):
        request = posted(infer(*rows), **headers)
        (answer,) = worker.turn(request)
        assert same(answer) == same(worker.alone(request))
        assert (b"content-encoding: gzip" in answer) == (len(rows) > 1)


@pytest.mark.parametrize("limits", [Limits(timeout=1e-9), Limits(body=8)])
def test_the_short_road_keeps_the_limits(tensor_folder, limits):
    """Where an answer comes too late, or a body is too large, the ordinary road says so."""
    closed = Worker(tensor_folder, limits=limits)
    (answer,) = closed.turn(posted(infer(ROWS[0])))

    assert answer[9:12] in (b"504", b"413")


def test_each_request_takes_the_ordinary_road_where_it_has_a_line_in_the_log(tensor_folder):
    """With ``SEALIFT_LOG=all``."""
    closed = Worker(tensor_folder, mode="all")

    async def scene():
        answers = closed.turn(posted(infer(ROWS[0])), posted(infer(ROWS[1])))
        await closed.access.close()
        return answers

    closed.model.calls.clear()
    answers = asyncio.run(scene())
    assert [one[9:12] for one in answers] == [b"200", b"200"]
    assert closed.model.calls == [1, 1]


def counted(worker):
    """What was counted, but for durations."""
    (stats,) = json.loads(asyncio.run(worker.service.stats(None)).body)["model_stats"]
    page = asyncio.run(worker.house.numbers(None)).body.decode()
    lines = [
        line
        for line in page.splitlines()
        if line.startswith(("sealift_requests_total", "sealift_rows_total", "sealift_routed"))
        and "_sum" not in line
        and "le=" not in line
    ]
    return stats["inference_count"], stats["inference_stats"]["success"]["count"], lines


def test_both_roads_count_alike(tensor_folder):
    """Requests, rows, and requests by the number of their route."""
    requests = [
        posted(infer(*ROWS[: 1 + number % 3]), **{"x-sealift-generation": str(number // 3)})
        for number in range(6)
    ]
    short, ordinary = Worker(tensor_folder), Worker(tensor_folder)
    short.turn(*requests)
    for one in requests:
        ordinary.alone(one)

    assert counted(short) == counted(ordinary)


def test_both_roads_record_alike(tensor_folder, tmp_path):
    """Inputs, outputs, ids and the number of the route."""
    written = []
    for name in ("short", "ordinary"):
        recorder = Recorder(tmp_path / name, names=["a", "b", "c"], version=3)
        worker = Worker(tensor_folder, recorder=recorder)
        requests = [
            posted(infer(ROWS[0], given="one"), **{"x-sealift-generation": "7"}),
            posted(infer(*ROWS[1:4], given="three")),
            packed(*ROWS[:2], id="bytes"),
        ]
        if name == "short":
            worker.turn(*requests)
        else:
            for one in requests:
                worker.alone(one)
        recorder.close()
        (file,) = (tmp_path / name).iterdir()
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        written.append(
            [{k: v for k, v in one.items() if k not in ("at", "seconds")} for one in lines]
        )

    assert written[0] == written[1]
    assert [one["id"] for one in written[0]] == [
        *("one", "three/0", "three/1", "three/2", "bytes/0", "bytes/1")
    ]


def test_a_real_server_joins_what_comes_at_once(tmp_path):
    """Forty clients over sockets: the answers are those of one client, in fewer calls."""
    folder = build(tmp_path, models.tensor_model, models.tensor_table, target="y")
    bodies = [infer((number / 40, 0.5, -number / 50), given=str(number)) for number in range(40)]
    with Running(folder, tmp_path / "log") as server:
        server.ready()
        server.wait_for(lambda: any(one["event"] == "batching" for one in server.events()))
        alone = [server.post(body, PATH, traceparent="x").content for body in bodies]
        with ThreadPoolExecutor(40) as clients, server.client_of() as client:
            headers = {"content-type": "application/json"}

            def ask(body):
                return client.post(PATH, content=body, headers=headers).content

            for _ in range(5):
                assert list(clients.map(ask, bodies)) == alone
        (stats,) = server.client.get("/v2/models/toy/stats").json()["model_stats"]
        assert server.terminate() == 0

    assert stats["inference_count"] == 240
    assert stats["execution_count"] < 240
