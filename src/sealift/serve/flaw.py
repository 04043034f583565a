"""Why bytes are no JSON, in plain words: the byte where that shows, from 0, and what to do.

The decoder's own words are terse, and its bytes sometimes lie behind the fault; what it says is
taken as a hint where to look.
"""

from __future__ import annotations

import re

from sealift.serve.pieces import PIECE, quotes

# compiled when they are needed, which they are for bad requests only
_SAID = r"JSON is malformed: (.*) \(byte (\d+)\)"
_RIGHT = (
    rb'(?:[^\\]++|\\["\\/bfnrt]|\\u(?![dD][89a-fA-F])HEX{4}'
    rb"|\\u[dD][89abAB]HEX{2}\\u[dD][c-fC-F]HEX{2})*+"
).replace(b"HEX", b"[0-9a-fA-F]")
_WRONG = rb"(?P<escape>\\(?:(?P<half>u[0-9a-fA-F]{4}))?)"
_LITERALS = ((5, b"f"), (4, b"tn"))
_ABSENT = (b"NaN", b"Infinity")
_LETTERS = rb"[A-Za-z]{1,20}"
_VALUES = (
    "write texts in double quotes, numbers with a digit first, true, false and null in small "
    "letters"
)
_WANTED = {
    "expected ':'": "':' after the name",
    "expected ',' or '}'": "',' or '}'",
    "expected ',' or ']'": "',' or ']'",
    "object keys must be strings": "a name in double quotes",
    "expected '\"'": "a name in double quotes",
    "trailing comma in array": "another value after the comma",
    "trailing comma in object": "another name after the comma",
}


def coded(text: bytes) -> str | None:
    """What is wrong with the bytes as UTF-8; None for nothing.

    >>> coded(b'{"id": "\\xe9"}')
    'byte 8 (0xe9) is not UTF-8; write texts in UTF-8'
    """
    if text.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte order mark; leave that out"
    begin = 0
    while begin < len(text):
        end = begin + PIECE
        # a character has three such bytes at most, behind its first
        while end < begin + PIECE + 3 and text[end : end + 1] and text[end] & 0xC0 == 0x80:
            end += 1
        try:
            text[begin:end].decode()
        except UnicodeDecodeError as error:
            place = begin + error.start
            return f"byte {place} (0x{text[place]:02x}) is not UTF-8; write texts in UTF-8"
        begin = end
    return None


def halved(text: bytes) -> bool:
    """Whether the first wrong escape is half of a surrogate pair.

    >>> halved(rb'"\\ud83d\\ude00 \\\\ud83d"'), halved(rb'"\\ude00"')
    (False, True)
    """
    if re.search(rb"\\u[dD][89a-fA-F]", text) is None:
        return False
    wrong = _wrong(text)
    return wrong is not None and wrong["half"] is not None


def _wrong(text: bytes) -> re.Match[bytes] | None:
    """The first escape that is wrong, or cut off; it is looked for piece by piece."""
    right, place = re.compile(_RIGHT), 0
    while place < len(text):
        found = right.match(text, place, place + PIECE)
        if found is None or found.end() == place:
            return re.compile(_WRONG).match(text, place)
        # an escape may have been cut off by the end of what was looked at
        place = found.end()
    return None


def reason(text: bytes, error: Exception) -> str:
    """What is wrong with bytes for which the decoder raised an error.

    >>> import msgspec
    >>> def told(text):
    ...     try:
    ...         msgspec.json.decode(text)
    ...     except msgspec.DecodeError as error:
    ...         return reason(text, error)
    >>> print(told(b'{"id": "a" "rows": []}'))
    at byte 11 there must be ',' or '}', not '"'
    >>> print(told(b'{"rows": ['))
    it ends at byte 10, before it is complete; send all of it
    """
    said = re.fullmatch(_SAID, str(error))
    what, place = (said[1], int(said[2])) if said else ("", len(text))
    if "escape" in what or "surrogate" in what or not said:
        return coded(text) or _escape(text) or _cut(text)
    return coded(text) or _told(text, what, place)


def _told(text: bytes, what: str, place: int) -> str:
    if what == "trailing characters":
        place -= 1
        return f"{_character(text, place)} stands behind its end, at byte {place}; send one value"
    if what == "invalid character":
        return _unexpected(text, place)
    if place >= len(text):
        return _cut(text)
    if what == "invalid number":
        return _number(text, place)
    if what in _WANTED:
        return f"at byte {place} there must be {_WANTED[what]}, not {_character(text, place)}"
    return f"{what} (byte {place})"


def _unexpected(text: bytes, place: int) -> str:
    start = _word(text, place)
    if start is None:
        return (
            f"{_character(text, place)} stands in a text at byte {place}; write control "
            "characters as escapes"
        )
    if text[start - 1 : start] == b"-":
        return _number(text, start)
    if text.startswith(_ABSENT, start):
        return _absent(text, start)
    return f"at byte {start} there must be a value, not {_character(text, start)}; {_VALUES}"


def _absent(text: bytes, place: int) -> str:
    return f"at byte {place} stands {_character(text, place)}; write null for no value"


def _number(text: bytes, place: int) -> str:
    if text.startswith(_ABSENT, place):
        return _absent(text, place)
    return (
        f"a number cannot go on with {_character(text, place)}, at byte {place}; write no "
        "leading zeros, and digits behind a sign, a point and an exponent"
    )


def _escape(text: bytes) -> str | None:
    """What is wrong with the first escape that is; None for one that the end cuts off."""
    wrong = _wrong(text)
    if wrong is None or b'"' not in text[wrong.start() :]:
        return None
    place = wrong.start()
    if wrong["half"]:
        return (
            f"{wrong['escape'].decode()} at byte {place} is half of a surrogate pair; write both "
            "halves, or the character itself"
        )
    return rf"a backslash at byte {place} begins no escape of JSON; write it as \\"


def _cut(text: bytes) -> str:
    return f"it ends at byte {len(text)}, before it is complete; send all of it"


def _word(text: bytes, place: int) -> int | None:
    """Where a value begins that is none; None inside of a text.

    The decoder has read on to the end of what it took for true, false or null, or into it.
    """
    for size, first in _LITERALS:
        start = place - size
        if start >= 0 and text[start] in first and not _quoted(text, start):
            return start
    if _quoted(text, place):
        return None
    while place > 0 and text[place - 1 : place].isalpha():
        place -= 1
    return place


def _quoted(text: bytes, place: int) -> bool:
    """Whether a byte stands in a text, in JSON that is right up to there."""
    return quotes(text, 0, place) % 2 == 1


def _character(text: bytes, place: int) -> str:
    """What stands at a byte: a character, or the letters of a word."""
    if letters := re.match(_LETTERS, text[place : place + 20]):
        return repr(letters.group().decode())
    return repr(text[place : place + 4].decode(errors="ignore")[:1])


__all__ = ["coded", "halved", "reason"]
