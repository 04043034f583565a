"""Requests that are asked together get what they would have got alone, and never wait for it."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
from toy_calls import POISON, Asker, Scripted, batch

from sealift.serve.batcher import Batcher
from sealift.serve.cost import Cost
from sealift.serve.gone import GoneError
from sealift.serve.refusal import RefusalError

LONG = (0.004, 0.00001)
"""Expected seconds of a call and of a row that make calls have threads."""

SHORT = (0.0001, 0.000001)
"""And that make them run at once."""


class Timerless(asyncio.SelectorEventLoop):
    """A loop on which nobody may set a timer."""

    def call_at(self, when, *_, **__):
        """Fail."""
        raise AssertionError(f"a timer until {when}")


class Stage:
    """A batcher, its model, and the calls that it told of."""

    begun: ClassVar[list[ThreadPoolExecutor]] = []

    def __init__(self, model, cost=LONG, *, lanes=1, most=64, patience=60.0, target=0.0):
        self.model = model
        self.told = []
        self.executor = ThreadPoolExecutor(lanes)
        self.begun.append(self.executor)
        self.batcher = Batcher(
            model,
            Cost(*cost),
            self.executor,
            lanes=lanes,
            patience=patience,
            target=target,
            observe=lambda *call: self.told.append(call),
        )
        self.batcher.join(most)

    def ask(self, *values, asker=None):
        """A request under way."""
        return asyncio.ensure_future(self.batcher.run(batch(*values), asker or Asker()))


@pytest.fixture(autouse=True)
def _no_thread_stays():
    """Other tests divide this process, which one with threads cannot be."""
    yield
    while Stage.begun:
        Stage.begun.pop().shutdown()


def play(scene, loop_factory=asyncio.SelectorEventLoop):
    """Run a scene to its end."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(scene())


def said(ran):
    """What was answered."""
    return ran.outputs["y"][:, 0].tolist(), ran.outputs["label"].tolist()


def alone(*values):
    """What is answered to these rows in a call of their own."""
    return [2 * value + 1 for value in values], [str(float(value)) for value in values]


async def behind(stage, *requests):
    """Requests that arrive while a first one keeps the only lane busy; then the lane goes on."""
    first = stage.ask(0.0)
    await asyncio.sleep(0.01)
    later = [stage.ask(*values) for values in requests]
    await asyncio.sleep(0)
    stage.model.gate.set()
    await first
    return await asyncio.gather(*later, return_exceptions=True)


@pytest.mark.parametrize("cost", [LONG, SHORT])
def test_one_request_needs_no_timer(cost):
    """Idle, it goes to the model at once; there is no pause in which company could come."""

    async def scene():
        stage = Stage(Scripted(), cost)
        return said(await stage.ask(1.0, 2.0)), stage.model.calls

    assert play(scene, Timerless) == (alone(1.0, 2.0), [[1.0, 2.0]])


def test_what_arrives_during_a_call_makes_the_next_one():
    """Three requests, one call, each with its own answer."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()))
        answers = await behind(stage, [1.0], [2.0, 3.0], [4.0])
        return [said(one) for one in answers], stage.model.calls, stage.told

    answers, calls, told = play(scene)

    assert answers == [alone(1.0), alone(2.0, 3.0), alone(4.0)]
    assert calls == [[0.0], [1.0, 2.0, 3.0, 4.0]]
    assert [call[:2] for call in told] == [(1, 1), (4, 3)]


def test_short_requests_of_one_turn_of_the_loop_go_together():
    """Nobody waits for them: they are there already."""

    async def scene():
        stage = Stage(Scripted(), SHORT)
        answers = await asyncio.gather(*(stage.ask(float(number)) for number in range(5)))
        return [said(one) for one in answers], stage.model.calls

    answers, calls = play(scene)

    assert answers == [alone(float(number)) for number in range(5)]
    assert calls == [[0.0, 1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize("cost", [LONG, SHORT])
def test_one_row_that_fails_harms_no_other(cost):
    """The halves are tried again until it stands alone."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()), cost)
        if cost == SHORT:
            stage.model.gate.set()
        values = [[float(number)] for number in range(1, 9)]
        values[5] = [5.0, POISON]
        return await behind(stage, *values)

    answers = play(scene)

    assert isinstance(answers.pop(5), ValueError)
    assert [said(one) for one in answers] == [alone(float(n)) for n in (1, 2, 3, 4, 5, 7, 8)]


def test_nothing_is_joined_before_it_is_proven():
    """Every request has its own call."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()), most=1)
        await behind(stage, [1.0], [2.0])
        return stage.model.calls

    assert play(scene) == [[0.0], [1.0], [2.0]]


def test_a_call_is_no_larger_than_what_was_proven():
    """The rest comes in the next; a request of more rows stands alone."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()), most=3)
        await behind(stage, [1.0], [2.0], [3.0], [4.0], [5.0, 6.0, 7.0, 8.0], [9.0])
        return stage.model.calls[1:]

    assert play(scene) == [[1.0, 2.0, 3.0], [4.0], [5.0, 6.0, 7.0, 8.0], [9.0]]


def test_the_target_bounds_a_call():
    """Half of it for the call under way, half for one's own."""

    async def scene():
        # the call before takes its part in what is learnt, so that it must be as expected
        stage = Stage(Scripted(seconds=0.011), (0.010, 0.001), target=0.028)
        first = stage.ask(0.0)
        await asyncio.sleep(0)
        rest = [stage.ask(float(number)) for number in range(1, 9)]
        await asyncio.gather(first, *rest)
        return [len(call) for call in stage.model.calls]

    sizes = play(scene)

    assert sum(sizes) == 9
    assert max(sizes) <= 5, sizes


def test_a_row_dearer_than_a_call_is_not_joined_for_one():
    """It would hold up the one before it by more than the saved call gains them all."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()), (0.0001, 0.004), target=1.0)
        await behind(stage, [1.0], [2.0])
        return stage.model.calls

    assert play(scene) == [[0.0], [1.0], [2.0]]


def test_who_leaves_the_queue_is_not_asked_for():
    """By disconnecting, by a deadline, by being cancelled; the others go on."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()))
        first = stage.ask(0.0)
        await asyncio.sleep(0.01)
        leaver, hasty = Asker(), Asker(0.03)
        gone, late, cancelled, stays = (
            stage.ask(1.0, asker=leaver),
            stage.ask(2.0, asker=hasty),
            stage.ask(3.0),
            stage.ask(4.0),
        )
        await asyncio.sleep(0.01)
        leaver.go()
        cancelled.cancel()
        await asyncio.sleep(0.05)
        waiting = stage.batcher.waiting
        stage.model.gate.set()
        await first
        told = await asyncio.gather(gone, late, cancelled, stays, return_exceptions=True)
        return waiting, told, stage.model.calls

    waiting, (gone, late, cancelled, stays), calls = play(scene)

    assert waiting == 1
    assert isinstance(gone, GoneError)
    assert isinstance(late, RefusalError)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert said(stays) == alone(4.0)
    assert calls == [[0.0], [4.0]]


def test_a_call_that_nobody_waits_for_is_stopped():
    """Only when the last of those who share it has left."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()))
        first, second = Asker(), Asker()
        asked = [stage.ask(0.0, asker=Asker(0.3))]
        await asyncio.sleep(0)
        asked += [stage.ask(1.0, asker=first), stage.ask(2.0, asker=second)]
        await asyncio.wait(asked[:1])
        first.go()
        await asyncio.sleep(0.01)
        stage.model.gate.set()
        told = await asyncio.gather(*asked, return_exceptions=True)
        return told, stage.told

    (late, gone, stays), told = play(scene)

    assert isinstance(late, RefusalError)
    assert isinstance(gone, GoneError)
    assert said(stays) == alone(2.0)
    assert [call[:2] for call in told] == [(1, 1)]


def test_too_much_work_is_turned_away():
    """429 with the seconds after which to come again, as soon as more waits than patience has."""

    async def scene():
        stage = Stage(Scripted(gate=threading.Event()), (2.0, 0.5), patience=4.0, target=10.0)
        asked = [stage.ask(float(number)) for number in range(12)]
        await asyncio.sleep(0.01)
        stage.model.gate.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = play(scene)
    refused = [one for one in answers if isinstance(one, RefusalError)]

    assert refused
    assert {one.status for one in refused} == {429}
    assert int(dict(refused[0].headers)["retry-after"]) >= 1
    assert [said(one) for one in answers[: -len(refused)]] == [
        alone(float(number)) for number in range(12 - len(refused))
    ]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_an_answer_is_the_one_given_alone(seed):
    """Random arrivals, sizes, deadlines, failing rows, clients that leave, one lane or two."""
    dice = random.Random(seed)

    async def one(stage, number, outcomes):
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(dice.choice([0, 0, 0.001, 0.003]))
        values = [float(number * 10 + place) for place in range(dice.choice([1, 1, 1, 2, 5]))]
        poisoned = dice.random() < 0.1
        if poisoned:
            values[dice.randrange(len(values))] = POISON
        fate = dice.choice(["stays"] * 6 + ["leaves", "hurries", "is cancelled"])
        asker = Asker(dice.choice([0.0005, 0.004, 0.02]) if fate == "hurries" else 0.0)
        asked = stage.ask(*values, asker=asker)
        if fate in ("leaves", "is cancelled"):
            await asyncio.sleep(dice.choice([0, 0.001, 0.006]))
            asker.go() if fate == "leaves" else asked.cancel()
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        outcomes.append((values, poisoned, fate, outcome))

    async def scene():
        model = Scripted(seconds=0.002)
        cost = dice.choice([LONG, LONG, SHORT])
        stage = Stage(model, cost, lanes=dice.choice([1, 2]), most=dice.choice([4, 16, 64]))
        outcomes = []
        await asyncio.gather(*(one(stage, number, outcomes) for number in range(120)))
        last = await stage.ask(7.0)
        return outcomes, stage, said(last)

    outcomes, stage, last = play(scene)

    excused = {"leaves": GoneError, "hurries": RefusalError}
    excused["is cancelled"] = asyncio.CancelledError
    for values, poisoned, fate, outcome in outcomes:
        if isinstance(outcome, BaseException):
            fault = poisoned and isinstance(outcome, ValueError)
            assert fault or isinstance(outcome, excused.get(fate, ())), (values, fate, outcome)
        else:
            assert not poisoned
            assert said(outcome) == alone(*values)
    assert last == alone(7.0)
    assert stage.batcher.waiting == 0
    assert any(requests > 1 for _, requests, _ in stage.told)
