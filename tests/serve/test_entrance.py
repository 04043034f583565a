"""Clients who connect are taken a few at a time, and those who have gone are not taken at all."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest
from toy_http2 import PREFACE, frame, opening, settings, words
from toy_worker import Worker

from sealift.serve import entrance, listening
from sealift.serve.entrance import Entrance
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.listener import Listener

NOW = struct.pack("ii", 1, 0)
"""To close at once, by a reset (SO_LINGER)."""


class Guest(asyncio.Protocol):
    """One who is taken, and noted by ``made``."""

    def __init__(self, made):
        self.made = made

    def connection_made(self, transport):
        """It is set up."""
        self.made.append(transport)


def entered(scene, full=lambda: False):
    """What ``scene(entrance, connect, made)`` gives; ``connect(count)`` are so many clients."""

    async def play(stack):
        (bound,) = listening.bound("127.0.0.1", [0])
        address, made = bound.getsockname(), []
        opened = Entrance(bound, lambda: Guest(made), full=full)
        opened.open()

        def connect(count):
            found = [socket.create_connection(address, timeout=30) for _ in range(count)]
            for one in found:
                stack.enter_context(one)
            return found

        try:
            async with asyncio.timeout(30):
                return await scene(opened, connect, made)
        finally:
            opened.close()
            for transport in made:
                transport.abort()
            await asyncio.sleep(0)

    with contextlib.ExitStack() as stack:
        return asyncio.run(play(stack))


async def turned(made, count):
    """How many were set up in each turn of the event loop, until there are so many."""
    found = []
    while len(made) < count:
        before = len(made)
        await asyncio.sleep(0)
        found.append(len(made) - before)
    return found


def files():
    """How many files are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def reset(clients):
    """Have clients leave."""
    for one in clients:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        one.close()


def test_however_many_connect_a_few_are_set_up_in_a_turn():
    """All of them in the end."""

    async def scene(_entrance, connect, made):
        connect(90)
        return await turned(made, 90)

    assert max(entered(scene)) == entrance.AT_ONCE


def test_who_has_gone_is_not_set_up_and_holds_up_nobody():
    """A turn passes many of those, and what they held is free."""

    async def scene(_entrance, connect, made):
        before = files()
        gone = connect(entrance.LOOKED_AT - 1)
        for one in gone[::2]:
            one.sendall(b"hello")
        reset(gone)
        connect(1)
        turns = await turned(made, 1)
        for _ in range(9):
            await asyncio.sleep(0)
        return len(made), len(turns), files() - before

    made, turns, more = entered(scene)
    assert made == 1
    assert turns <= 4
    assert more == 2


def test_who_waits_is_taken_as_soon_as_there_is_a_place():
    """And before the entrance is shut."""
    places = [2]

    async def scene(opened, connect, made):
        connect(5)
        for _ in range(9):
            await asyncio.sleep(0)
        first = len(made)
        places[0] = 99
        opened.resume()
        await turned(made, 5)
        connect(3 * entrance.AT_ONCE)
        opened.shut()
        opened.close()
        opened.resume()
        await turned(made, 5 + 3 * entrance.AT_ONCE)
        while opened.opening:
            await asyncio.sleep(0)
        return first

    taken = []

    async def counted(opened, connect, made):
        taken.append(lambda: len(made) + opened.opening)
        return await scene(opened, connect, made)

    assert entered(counted, full=lambda: bool(taken) and taken[0]() >= places[0]) == 2


@pytest.fixture
def remote(tensor_folder):
    """What ``scene(listener, desk, connect)`` gives; ``connect(data)`` is a client of gRPC."""

    def play(scene):
        async def acted(stack):
            worker = Worker(tensor_folder)
            desk = Desk(worker.house, worker.access, "")
            (bound,) = listening.bound("127.0.0.1", [0])
            address = bound.getsockname()
            listener = Listener(desk, 99)
            listener.listen([bound])

            def connect(data):
                found = stack.enter_context(socket.create_connection(address, timeout=30))
                found.sendall(PREFACE + settings() + data)
                return found

            async with asyncio.timeout(30):
                return await scene(listener, worker, connect)

        with contextlib.ExitStack() as stack:
            return asyncio.run(acted(stack))

    return play


def empty(count):
    """Calls without a message."""
    return b"".join(opening(number, ended=True) for number in range(1, 2 * count, 2))


def given_up(count):
    """Calls that are given up at once: nothing is answered."""
    numbers = range(1, 2 * count, 2)
    return b"".join(opening(one) + frame("RST_STREAM", words(8), one) for one in numbers)


def begun(worker):
    """How many calls have been begun."""
    return worker.house.metrics.begun


def test_nothing_more_is_done_for_who_has_gone(remote):
    """Though more had been read of it than it has had turns for, and nothing is read any more."""

    async def scene(listener, worker, connect):
        clients = [connect(given_up(300)) for _ in range(8)]
        while begun(worker) < 300:
            await asyncio.sleep(0)
        reset(clients)
        early = begun(worker)
        while listener._connections:
            await asyncio.sleep(0)
        late = begun(worker)
        await listener.close()
        return early, late

    early, late = remote(scene)
    assert early <= late < 8 * 200


def test_who_waits_to_be_taken_is_answered_before_the_server_ends(remote):
    """Over gRPC too."""

    async def scene(listener, _worker, connect):
        clients = [connect(empty(1)) for _ in range(3 * entrance.AT_ONCE)]
        closing = asyncio.create_task(listener.close())
        said = []
        for one in clients:
            one.setblocking(False)
        while len(said) < len(clients):
            await asyncio.sleep(0.001)
            for one in clients:
                with contextlib.suppress(BlockingIOError):
                    data = one.recv(1 << 16)
                    if b"grpc-status" in data:
                        said.append(one)
                        one.sendall(frame("PING", b"parting\0", flags=1))
        await closing
        return len(said)

    assert remote(scene) == 3 * entrance.AT_ONCE
