"""What connections hold of what came: nothing that was asked, and little that was not."""

import asyncio
import tracemalloc

import pytest
from toy_listener import Door

BODY = b"x" * 90_000
POST = b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n" + BODY
WAIT = b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"
LITTLE = 8192


@pytest.fixture(autouse=True)
def traced():
    """Memory is counted."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_a_client_that_rests_holds_nothing_of_what_it_sent():
    """However much of it came at once with its head."""
    door = Door()
    door.come(b"\r\n")
    before = tracemalloc.get_traced_memory()[0]

    door.come(POST + POST)

    assert len(door.wire.written) == 2
    assert tracemalloc.get_traced_memory()[0] < before + LITTLE


def test_a_request_under_way_holds_nothing_of_those_before_it():
    """What follows it is held alone, not with all that came with it."""

    async def scene():
        door = Door()
        door.come(b"\r\n")
        before = tracemalloc.get_traced_memory()[0]
        door.come(POST + POST + WAIT + b"GET")
        after = tracemalloc.get_traced_memory()[0]
        door.app.gate.set()
        while len(door.wire.written) < 3:
            await asyncio.sleep(0)
        return after - before

    assert asyncio.run(scene()) < 2 * LITTLE
