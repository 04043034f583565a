"""A head that is too large is answered alike, however much of it comes at once."""

import pytest

from sealift.serve.admission import Room
from sealift.serve.http.head import LARGEST, Heads
from sealift.serve.http.incoming import Incoming
from sealift.serve.refusal import RefusalError

HEADS = {
    "a line that ends wrong": (b"a" * 9 + b"\n" + b"b" * LARGEST + b"\r\n\r\n", 400),
    "one that ends wrong, at last": (b"a" * (LARGEST - 1) + b"\n" + b"b\r\n\r\n", 400),
    "one that ends wrong, too late": (b"a" * LARGEST + b"\nb\r\n\r\n", 431),
    "lines that end right": (b"GET / HTTP/1.1\r\nx: " + b"b" * LARGEST + b"\r\n\r\n", 431),
    "no line": (b"a" * 2 * LARGEST, 431),
    "no line, after blank ones": (b"\r\n\r\n" + b"a" * 2 * LARGEST, 431),
}


def read(data, size):
    """The head in pieces of a size."""
    incoming, heads = Incoming(Room(1 << 20)), Heads()
    for at in range(0, len(data), size):
        incoming.add(data[at : at + size])
        if found := incoming.head(heads):
            return found
    return None


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("size", [1000, LARGEST - 1, LARGEST, 3 * LARGEST])
def test_a_large_head_is_refused_for_the_same_reason(head, size):
    """In pieces of any size; what is known of its beginning comes before its length."""
    data, status = HEADS[head]
    with pytest.raises(RefusalError) as refused:
        read(data, size)
    assert refused.value.status == status
