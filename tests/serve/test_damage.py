"""The short form of the campaign of fuzzing: the same damage, fewer times, in memory."""

import pytest

from benchmarks.serving.fuzz.memory import FaultError, Memory
from benchmarks.serving.fuzz.mutate import Mutator
from benchmarks.serving.fuzz.seeds import seeds

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
