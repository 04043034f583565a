"""What compiled code keeps for requests takes memory when a request has needed it, not before."""

import os
from pathlib import Path

import toy_roads


def resident():
    """Bytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_room_that_no_request_has_needed_takes_no_memory():
    """A plan could hold a request of the most rows, and the longest answer."""
    fields = [toy_roads.field(f"x{number}", "float", "FP32", number, "X") for number in range(500)]
    roads = toy_roads.roads(fields, [("y", "FP32", ())])
    room = roads.express.tensors["X"].nbytes + roads.express.out.nbytes
    before = resident()
    twin = roads.express.twin()

    assert room > 1 << 20
    assert resident() - before < room / 4
    assert twin.read(roads.body([[0.5] * 500])) == 1
