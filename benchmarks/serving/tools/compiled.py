"""Damaged requests, read by compiled code at the very end of readable memory.

Whatever it reads, it must read as the ordinary road does. Prints how many there were, how many of
them were read, and what failed; a crash ends this process.
"""

import ctypes
import json
import mmap
import random
import re
import sys

import toy_roads

from benchmarks.serving.fuzz.mutate import DAMAGES
from sealift.serve import native

DIGIT = re.compile(rb"[0-9]")
FAULTS = 20
PAGES = 64 * mmap.PAGESIZE


class Brink:
    """Memory behind which nothing may be read."""

    def __init__(self):
        self._memory = mmap.mmap(-1, PAGES + mmap.PAGESIZE)
        begin = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._end = begin + PAGES
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        if libc.mprotect(self._end, mmap.PAGESIZE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, body):
        """Where the body lies now, which ends where the memory does."""
        begin = self._end - len(body)
        ctypes.memmove(begin, body, len(body))
        return ctypes.c_void_p(begin)


def good(one, rows):
    """Requests in the forms that clients choose, and where their tensors in bytes begin."""
    tree = one.tree(rows)
    nested = json.loads(json.dumps(tree))
    for tensor in nested["inputs"]:
        count, width = tensor["shape"]
        flat = tensor["data"]
        tensor["data"] = [flat[row * width : (row + 1) * width] for row in range(count)]
    names = [{"name": info.name} for info in one.outputs]
    yield one.body(rows, id="a-1"), 0
    yield json.dumps(nested, indent=1).encode(), 0
    turned = {"inputs": [dict(sorted(each.items())) for each in tree["inputs"]]}
    yield json.dumps(turned).encode(), 0
    yield one.body(rows, outputs=[{**names[-1], "parameters": {"binary_data": True}}]), 0
    yield one.packed(rows, id="b")
    yield one.packed(rows, outputs=names, parameters={"binary_data_output": True})


def numbers(dice):
    """A number, or what is nearly one."""
    text = "".join(dice.choices("0123456789.eE+-", k=dice.randint(1, 24)))
    whole = str(dice.getrandbits(dice.randint(1, 70)))
    return dice.choice((text, whole, repr(dice.uniform(-9, 9))))


def damaged(dice, body):
    """A body with one to three faults; some of its digits are other numbers."""
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        body = dice.choice(DAMAGES)(body, dice)
    places = [match.start() for match in DIGIT.finditer(body)]
    if places and dice.random() < 0.5:
        at = dice.choice(places)
        body = body[:at] + numbers(dice).encode() + body[at + 1 :]
    return body


def tried(count, start):
    """Runs so many inputs, the same ones from the same number; what came of it."""
    dice = random.Random(start)  # noqa: S311  so that a run can be repeated
    brink, faults, read = Brink(), [], 0
    rows = {
        "digits": [[0.25 * number + column for column in range(6)] for number in range(3)],
        "mixed": [[1, 10, 7, 5, 0.1, 0.5, True, -2, 3], [2, 20, 8, 6, 1e3, None, False, -9, 9]],
        "table": [[30, 0.5, 1, 3.0], [50, None, 0, None]],
    }
    roads = {name: getattr(toy_roads, name)() for name in rows}
    made = [(one, [*good(one, rows[name])]) for name, one in roads.items()]
    for _ in range(count):
        one, bodies = dice.choice(made)
        body, header = dice.choice(bodies)
        body = damaged(dice, body)
        if header and dice.random() < 0.3:
            header = dice.randint(1, len(body) + 3)
        found = False
        try:
            found = one.agree(body, 0, header)
        except AssertionError as error:
            faults = [*faults, f"{error}: {body!r}"][:FAULTS]
        read += found
        if len(body) <= PAGES:
            place = brink.put(body)
            alike = native.library().express_read(one.express.handle, 0, place, len(body), header)
            if bool(alike) != found:
                faults = [*faults, f"otherwise at the brink: {body!r}"][:FAULTS]
    return {"count": count, "read": read, "faults": faults}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tried(int(sys.argv[1]), int(sys.argv[2]))))
