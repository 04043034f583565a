"""The keeper of one process, with a clock that the test turns."""

import os
import signal

from background import wait

from sealift import process
from sealift.control.daemon import Living
from sealift.control.keeper import Keeper


class Kind:
    """Starts real processes of a program that is not Sealift's."""

    def __init__(self, folder, words):
        self.folder = folder
        self.words = words
        self.begun = []

    def find(self):
        """Those that live."""
        return [one for one in self.begun if process.alive(one.pid, one.start)]

    def start(self, *, port):
        """Start one; it may be over already."""
        child = process.spawn(self.words, log=self.folder / "log", detach=True)
        start = process.started(child.pid) or 0
        self.begun.append(Living(process.leave(child), start, port))
        return self.begun[-1]

    def remove(self, one, *, grace=0.0):
        """End it."""
        assert process.end(one.pid, one.start, grace)


class World:
    """A keeper, its clock, and whether the process answers."""

    def __init__(self, folder, words):
        self.time = 1000.0
        self.answers = True
        self.kind = Kind(folder, words)
        self.keeper = self.again()

    def again(self):
        """Another keeper, as after a restart."""
        return Keeper(
            self.kind,
            port=lambda: 4000,
            answers=lambda _: self.answers,
            monotonic=lambda: self.time,
        )

    def tick(self, seconds=0.2):
        """Time goes on, and the keeper looks."""
        self.time += seconds
        return self.keeper.tick()

    def end(self):
        """Leave nothing."""
        for one in self.kind.find():
            self.kind.remove(one)


def test_one_is_begun_and_then_left_alone(tmp_path):
    """Also by the keeper after it."""
    world = World(tmp_path, ["sleep", "60"])
    assert world.tick() == world.kind.begun[0]
    assert [world.tick() for _ in range(100)] == [None] * 100
    world.keeper = world.again()
    assert [world.tick() for _ in range(100)] == [None] * 100
    assert len(world.kind.begun) == 1
    world.end()


def test_one_that_was_well_is_replaced_at_once(tmp_path):
    """And its entry in the process table is gone."""
    world = World(tmp_path, ["sleep", "60"])
    first = world.tick()
    world.tick(60.0)
    os.kill(first.pid, signal.SIGKILL)
    assert wait(lambda: process.started(first.pid) is None)

    assert world.tick() == world.kind.begun[1]
    assert not os.path.exists(f"/proc/{first.pid}")  # noqa: PTH110
    world.end()


def test_one_that_dies_at_once_is_begun_less_and_less_often(tmp_path):
    """Not five times a second."""
    world = World(tmp_path, ["true"])
    for _ in range(600):
        world.tick(0.5)
        if world.kind.begun:
            assert wait(lambda: process.started(world.kind.begun[-1].pid) is None)

    assert 10 < len(world.kind.begun) < 20
    world.end()


def test_one_that_hangs_is_replaced_after_a_while(tmp_path):
    """A moment without an answer is no reason."""
    world = World(tmp_path, ["sleep", "60"])
    first = world.tick()
    world.tick(20.0)
    world.answers = False
    world.tick(20.0)
    assert process.alive(first.pid, first.start)
    world.tick(11.0)

    assert not process.alive(first.pid, first.start)
    assert len(world.kind.find()) == 1
    world.end()
