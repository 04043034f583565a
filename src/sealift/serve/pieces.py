"""Long lists and tables, cut into shorter ones, so that no step of reading them takes long.

What decodes JSON or CSV gives the interpreter back to other threads between two calls only. A call
for each piece lets the event loop answer others in between, and the first wrong piece is the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE = 1 << 18
"""Bytes of text that are read by one call, which takes some milliseconds."""

TRIES = 1024
"""Texts that are passed over, one by one, in search of the end of an element."""

_SLACK = 64
"""Bytes of white space, behind the end of an element, across which its comma is looked for."""

_ENDS = {
    b"": re.compile(b","),
    b"}": re.compile(rb"\}[ \t\r\n]*+,"),
    b"]": re.compile(rb"\][ \t\r\n]*+,"),
}
_BETWEEN = re.compile(rb"\}[ \t\r\n]*+(?=\{)")
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_TEXTS = re.compile(_TEXT, re.DOTALL)
_WHOLE_TEXTS = re.compile(rb'(?:[^"]++|%b)*+' % _TEXT, re.DOTALL)
_REST_OF_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


def cut(text: bytes, mark: bytes) -> Iterator[bytes]:
    """A list of JSON, valid but for its UTF-8, as several that have its elements between them.

    Every element ends with ``mark``, ``}`` or ``]``, and holds no other that does; none holds
    a list or an object where that is empty. A list that is not so may be cut within an element:
    who wants such elements finds what is wrong before that place.

    >>> list(cut(b"[1, 2]", b""))
    [b'[1, 2]']
    """
    begin = 0
    while (end := _end(text, begin + 1, _ENDS[mark])) is not None:
        yield b"[%b]" % text[begin + 1 : end - 1]
        begin = end - 1
    yield b"[%b" % text[begin + 1 :] if begin else text


def lines(body: bytes) -> Iterator[bytes]:
    """Objects that stand one behind the other and hold no others, as bodies of several.

    >>> list(lines(b'{"a": 1}\\n{"a": 2}'))
    [b'{"a": 1}\\n{"a": 2}']
    """
    begin = 0
    while (end := _end(body, begin, _BETWEEN)) is not None:
        yield body[begin:end]
        begin = end
    yield body[begin:] if begin else body


def paragraphs(text: bytes) -> Iterator[bytes]:
    """Whole lines, which may end in any way, as many as make a piece.

    >>> list(paragraphs(b"a\\r\\nb"))
    [b'a\\r\\nb']
    """
    marks = [mark for mark in (b"\n", b"\r") if mark in text]
    begin = 0
    while begin < len(text):
        ends = [text.find(mark, begin + PIECE) + 1 for mark in marks]
        end = min((one for one in ends if one), default=len(text))
        if text[end - 1 : end + 1] == b"\r\n":
            end += 1
        yield text[begin:end]
        begin = end


def many(text: bytes, mark: bytes, most: int) -> bool:
    """Whether a byte stands in JSON more than ``most`` times, not counting its texts.

    >>> many(b'{"a:b": [1, ":", 2]}', b":", 1), many(b'{"a": {"b": 1}}', b":", 1)
    (False, True)
    """
    places = range(0, len(text), PIECE)
    # what stands in texts is told apart only where that matters
    if sum(text.count(mark, place, place + PIECE) for place in places) <= most:
        return False
    times = place = 0
    while place < len(text) and times <= most:
        found = _WHOLE_TEXTS.match(text, place, place + PIECE)
        end = found.end() if found else place
        times += _TEXTS.sub(b"", text[place:end]).count(mark)
        # what is left begins a text that ends behind what was looked at
        place = behind_text(text, end + 1) if end < min(place + PIECE, len(text)) else end
    return times > most


def _end(text: bytes, begin: int, ends: re.Pattern[bytes]) -> int | None:
    """Behind which byte a piece from ``begin`` on ends; None if it holds all that is left."""
    known, place, tries = begin, begin + PIECE, 0
    while place < len(text):
        found = ends.search(text, place, place + PIECE)
        if found is None:
            place += PIECE - _SLACK
            continue
        if quotes(text, known, found.start()) % 2 == 0:
            return found.end()
        # it stands in a text, behind which the search goes on
        known = place = behind_text(text, found.start())
        tries += 1
        if tries % TRIES == 0:
            place += PIECE
    return None


def quotes(text: bytes, begin: int, end: int) -> int:
    """The quotation marks that begin or end a text; ``begin`` and ``end`` are within no escape."""
    count = 0
    while begin < end:
        stop = min(begin + PIECE, end)
        piece = text[begin:stop]
        if stop < end and (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            # the last one begins an escape
            stop += 1
            piece = text[begin:stop]
        if b"\\" in piece:
            piece = piece.replace(rb"\\", b"").replace(rb"\"", b"")
        count += piece.count(b'"')
        begin = stop
    return count


def behind_text(text: bytes, place: int) -> int:
    """Where the text ends that a byte stands in, which is not part of an escape."""
    while place < len(text):
        found = _REST_OF_TEXT.match(text, place, place + PIECE)
        end = found.end() if found else place
        if text[end : end + 1] == b'"':
            return end + 1
        # an escape may be cut off by the end of what was looked at
        place = max(end, place + 1)
    return place


__all__ = ["PIECE", "behind_text", "cut", "lines", "many", "paragraphs", "quotes"]
