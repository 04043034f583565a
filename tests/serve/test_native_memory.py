"""What compiled code keeps for requests takes memory when a request has needed it, not before."""

import subprocess
import sys
from pathlib import Path

SCENE = """
import os
import toy_roads

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

fields = [toy_roads.field(f"x{number}", "float", "FP32", number, "X") for number in range(500)]
roads = toy_roads.roads(fields, [("y", "FP32", ())])
room = roads.express.tensors["X"].array.nbytes + roads.express.out.nbytes
before = resident()
twin = roads.express.twin()
grown = resident() - before
assert twin.read(roads.body([[0.5] * 500])) == 1
print(room, grown)
"""


def test_room_that_no_request_has_needed_takes_no_memory():
    """A plan could hold a request of the most rows, and the longest answer.

    In a process of its own: in memory that other tests have used a page may be 2 MiB large.
    """
    done = subprocess.run(
        [sys.executable, "-c", SCENE],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent,
        text=True,
    )
    room, grown = map(int, done.stdout.split())

    assert room > 1 << 20
    assert grown < room / 4
