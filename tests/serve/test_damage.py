"""The short form of the campaign of fuzzing: the same damage, fewer times, in memory."""

import random
import struct

import pytest
import toy_grpc

from benchmarks.serving.fuzz.memory import FaultError, Memory
from benchmarks.serving.fuzz.mutate import DAMAGES, Mutator
from benchmarks.serving.fuzz.seeds import seeds
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import infer

COUNT = 3000


@pytest.fixture(scope="module")
def memory(columns_folder):
    """The server in memory."""
    server = Memory(columns_folder)
    yield server
    server.close()


def test_every_good_request_is_answered(memory):
    """Else damage would only be seen by the first check."""
    for seed in seeds():
        assert memory.ask(seed.path, seed.headers, seed.body) == 200, seed


def test_damaged_requests_fail_nothing(memory):
    """Thousands of them: an answer below 500 each, with a reason where it is a refusal, and all
    sorts of answers among them."""
    mutator, seen = Mutator(1, seeds()), set()
    for _ in range(COUNT):
        one = mutator.next()
        try:
            seen.add(memory.ask(one.path, one.headers, one.body))
        except FaultError as error:
            pytest.fail(f"{error}: {one}")

    assert {200, 400, 415} <= seen


def test_the_same_number_gives_the_same_damage():
    """So that what a campaign found can be found again."""
    first, second = (Mutator(7, seeds()) for _ in range(2))

    assert [first.next() for _ in range(200)] == [second.next() for _ in range(200)]


def test_damaged_messages_of_grpc_are_read_or_refused():
    """A good message, raw and typed, with bytes flipped, cut out, doubled or put in."""
    dice, read, refused = random.Random(3), 0, 0
    good = [message.SerializeToString() for message in messages()]
    for _ in range(5000):
        body = dice.choice(good)
        for _ in range(dice.randint(1, 4)):
            body = dice.choice(DAMAGES[:5])(body, dice)
        try:
            infer.read(body)
            read += 1
        except RefusalError:
            refused += 1

    assert read > 100
    assert refused > 100


def messages():
    """Two requests for one row, with outputs and parameters of every kind."""
    for raw in (True, False):
        message = toy_grpc.infer(
            [
                ("hour", "INT64", [1], struct.pack("<q", 9) if raw else [9]),
                ("distance", "FP32", [1], struct.pack("<f", 1.5) if raw else [1.5]),
            ],
            raw=raw,
            id="a",
        )
        message.outputs.add(name="delay").parameters["classification"].int64_param = 2
        message.parameters["timeout"].int64_param = 10**7
        message.parameters["text"].string_param = "x"
        message.parameters["number"].double_param = 1.5
        yield message
