"""Memory that floods leave behind goes back to the system, if possible when nobody asks."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest
from toy_worker import ROWS, Worker, infer, posted

from sealift.serve import relief as relief_module
from sealift.serve import worker
from sealift.serve.relief import LITTLE, LONGEST, PAUSE, ROOM, Relief

NEEDED = 50 << 20
SCENE = """
import ctypes
from sealift.serve.relief import give_back, resident

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
places = [libc.malloc(100_000) for _ in range(800)]
for place in places:
    ctypes.memset(place, 1, 100_000)
last = places.pop()
for place in places:
    libc.free(ctypes.c_void_p(place))
before = resident()
give_back()
print(before - resident())
"""


@pytest.fixture
def relief():
    """Of a worker that was found to need so much."""
    found = Relief()
    assert not found.due(NEEDED, 0.0, quiet=True)
    return found


def test_what_a_flood_left_is_given_back_after_a_while(relief):
    """Counted from when it was first held; a little more than is needed is no flood."""
    assert not relief.due(NEEDED + ROOM - 1, PAUSE, quiet=True)
    assert not relief.due(NEEDED + ROOM, PAUSE + 1, quiet=True)
    assert not relief.due(NEEDED + ROOM, 2 * PAUSE - 1, quiet=True)
    assert relief.due(NEEDED + ROOM, 2 * PAUSE, quiet=True)


def test_whoever_asks_waits_for_it_seldom(relief):
    """While requests come, nothing is given back for minutes; the next moment without one is
    taken.
    """
    assert not relief.due(2 * NEEDED, LONGEST - 1, quiet=False)
    assert relief.due(2 * NEEDED, LONGEST - 1, quiet=True)


def test_under_steady_load_it_is_given_back_once_in_minutes(relief):
    """As long as it helps; what does not come back is needed for what is asked."""
    assert relief.due(3 * NEEDED, LONGEST, quiet=False)
    relief.done(3 * NEEDED, 2 * NEEDED, LONGEST)
    assert not relief.due(2 * NEEDED, 2 * LONGEST - 1, quiet=False)
    assert relief.due(2 * NEEDED, 2 * LONGEST, quiet=False)
    relief.done(2 * NEEDED, 2 * NEEDED - LITTLE + 1, 2 * LONGEST)
    assert not relief.due(2 * NEEDED, 9 * LONGEST, quiet=False)


def test_it_is_tried_again_while_it_helps_and_no_longer(relief):
    """What does not come back is needed, until the worker is seen with less."""
    assert relief.due(3 * NEEDED, PAUSE, quiet=True)
    relief.done(3 * NEEDED, 2 * NEEDED, PAUSE)
    assert not relief.due(2 * NEEDED, PAUSE + 1, quiet=True)
    assert relief.due(2 * NEEDED, 2 * PAUSE, quiet=True)
    relief.done(2 * NEEDED, 2 * NEEDED - LITTLE + 1, 2 * PAUSE)
    assert not relief.due(2 * NEEDED, 9 * PAUSE, quiet=True)
    assert not relief.due(NEEDED, 10 * PAUSE, quiet=True)
    assert relief.due(2 * NEEDED, 11 * PAUSE, quiet=True)


def test_free_memory_that_lies_before_what_is_used_goes_back():
    """Of the 80 MB that malloc has in its heap, most."""
    command = [sys.executable, "-c", SCENE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert int(done.stdout) > 60_000_000


@pytest.mark.parametrize(
    ("longest", "answered"), [(LONGEST, len(ROWS)), (0.0, 2)], ids=["soon after", "long after"]
)
def test_a_worker_looks_for_it_in_its_beats(tensor_folder, monkeypatch, longest, answered):
    """Not in those in which a request came, but in the next one; in those too after long."""
    one = Worker(tensor_folder)
    held, given = [NEEDED], []

    def back():
        given.append(one.house.metrics.begun)
        held[0] = NEEDED

    monkeypatch.setattr(relief_module, "PAUSE", 0.0)
    monkeypatch.setattr(relief_module, "LONGEST", longest)
    monkeypatch.setattr(worker, "BEAT", 0.0)
    monkeypatch.setattr(worker, "resident", lambda: held[0])
    monkeypatch.setattr(worker, "give_back", back)

    async def scene():
        beating = asyncio.create_task(worker._beat(one.house, one.seat))
        one.turn(posted(infer(ROWS[0])))
        await asyncio.sleep(0)
        held[0] = 2 * NEEDED
        for row in ROWS[1:]:
            one.turn(posted(infer(row)))
            await asyncio.sleep(0)
        assert len(given) == (answered < len(ROWS))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        beating.cancel()

    asyncio.run(scene())

    assert given == [answered]


def test_what_a_model_held_goes_back_when_it_is_loaded_again(tensor_folder, monkeypatch):
    """It lies between what is needed, and there may be no moment without requests for long."""
    one, given = Worker(tensor_folder), []
    before = one.service.gathering
    settings = SimpleNamespace(threads=1, settings=SimpleNamespace(batch=False))
    shop = SimpleNamespace(post=settings, seat=one.seat, pool=None)
    monkeypatch.setattr(worker.garbage, "settle", lambda: None)
    monkeypatch.setattr(worker, "give_back", lambda: given.append(one.service.gathering))
    asyncio.run(worker._prepare_again(one.service, shop))

    assert given == [one.service.gathering]
    assert before not in given
