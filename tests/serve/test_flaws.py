"""Bytes that are no JSON are refused with words that say what is wrong, and where."""

import json
import re

import msgspec
import pytest
from test_bad_requests import GOOD, tensors

from sealift.serve import flaw

HALF = b"\\ud800"
INFER = "/v2/models/toy/infer"
LINES = {"content-type": "application/jsonl"}
ROW = json.dumps(GOOD).encode()
TENSORS = json.dumps({**tensors(), "parameters": {"p": "v"}, "outputs": [{"name": "delay"}]})


def told(text):
    """The reason why a text is no JSON."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as raised:
        msgspec.json.decode(text)
    return flaw.reason(text, raised.value)


TOLD = {
    b'{"id" "a"}': "at byte 6 there must be ':' after the name, not '\"'",
    b'{"a": 1 "b": 2}': "at byte 8 there must be ',' or '}', not '\"'",
    b"[1 2]": "at byte 3 there must be ',' or ']', not '2'",
    b"{'id': 1}": 'at byte 1 there must be a name in double quotes, not "\'"',
    b"[1,]": "at byte 3 there must be another value after the comma, not ']'",
    b'{"a": 1,}': "at byte 8 there must be another name after the comma, not '}'",
    b"[1] x": "'x' stands behind its end, at byte 4; send one value",
    b"[1, None]": "at byte 4 there must be a value, not 'None'; " + flaw._VALUES,
    b"[1, nul]": "at byte 4 there must be a value, not 'nul'; " + flaw._VALUES,
    b"[fulse]": "at byte 1 there must be a value, not 'fulse'; " + flaw._VALUES,
    b'["n" :@]': "at byte 5 there must be ',' or ']', not ':'",
    b'{"n" :@}': "at byte 6 there must be a value, not '@'; " + flaw._VALUES,
    b'["tru\x01"]': "'\\x01' stands in a text at byte 5; write control characters as escapes",
    b"[01]": "a number cannot go on with '1', at byte 2; write no leading zeros, and digits "
    "behind a sign, a point and an exponent",
    b"[1., 2]": "a number cannot go on with ',', at byte 3; write no leading zeros, and digits "
    "behind a sign, a point and an exponent",
    b"[-]": "a number cannot go on with ']', at byte 2; write no leading zeros, and digits "
    "behind a sign, a point and an exponent",
    b'["C:\\dir"]': "a backslash at byte 4 begins no escape of JSON; write it as \\\\",
    b'["\\u1"]': "a backslash at byte 2 begins no escape of JSON; write it as \\\\",
    b'["\\ud800"]': "\\ud800 at byte 2 is half of a surrogate pair; write both halves, or the "
    "character itself",
    b'["\\\\ud800 \\udc00", 1]': "\\udc00 at byte 10 is half of a surrogate pair; write both "
    "halves, or the character itself",
    b'["\xe9"]': "byte 2 (0xe9) is not UTF-8; write texts in UTF-8",
    b"\xef\xbb\xbf{}": "it begins with a byte order mark; leave that out",
    b'{"rows": [': "it ends at byte 10, before it is complete; send all of it",
    b'["\\ud83d': "it ends at byte 8, before it is complete; send all of it",
    b'["\\u1': "it ends at byte 5, before it is complete; send all of it",
    b"[1.": "it ends at byte 3, before it is complete; send all of it",
}


@pytest.mark.parametrize("text", TOLD)
def test_what_is_wrong_is_said_in_words(text):
    """What stands where, and what to do."""
    assert told(text) == TOLD[text]


def test_the_byte_is_where_another_parser_stops_too():
    """For thousands of damaged texts; it begins texts, escapes and numbers a little earlier."""
    good = (
        '{"id": "a\\"\\u00e9", "rows": [{"c": "Ué", "h": -9, "d": 1.5e3, "y": false, "n": null, '
        '"t": true}, {}, []]}'
    ).encode()
    pieces = ['"', "\x01", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "+", "nul", "tru"]
    pieces += ["'", " ", "\n", "\\", "\\u12", "x", "\\x", "//", ""]
    found = 0
    for place in range(len(good)):
        for piece in pieces:
            for gap in (0, 1, 2, len(good)):
                text = good[:place] + piece.encode() + good[place + gap :]
                if (error := otherwise(text)) is not None:
                    found += 1
                    assert agrees(text, error), (text, told(text), str(error))

    assert found > 5000


def otherwise(text):
    """What another parser says of a text; None where it finds no fault."""
    try:
        json.loads(text.decode(errors="replace"))
    except json.JSONDecodeError as error:
        return error
    return None


def agrees(text, error):
    """Whether what is told agrees with what another parser said."""
    reason = told(text)
    byte = int(re.search(r"byte (\d+)", reason)[1])
    wanted = len(text.decode(errors="replace")[: error.pos].encode())
    if "UTF-8" in reason:
        return text.decode(errors="replace")[len(text[:byte].decode())] == "\ufffd"
    if reason.startswith("it ends"):
        return byte == len(text)
    if reason.startswith("a backslash"):
        return text[byte : byte + 1] == b"\\" and byte in (wanted, wanted - 1)
    if reason.startswith("a number"):
        return wanted <= byte <= wanted + 2
    return byte == wanted


@pytest.mark.parametrize(
    ("body", "path", "headers", "place"),
    [
        (b'{"id": "\\ud800"}', "/predict", {}, "id"),
        (b'{"rows": [' + ROW.replace(b"UA", HALF) + b"]}", "/predict", {}, "rows[0].carrier"),
        (
            b'{"rows": [' + ROW.replace(b"UA", b"a" + HALF) + b"]}",
            "/predict",
            {},
            "rows[0].carrier",
        ),
        (b'{"rows": [{"' + HALF + b'": 1}]}', "/predict", {}, "rows[0].\\ud800"),
        (b'{"rows": [{"' + HALF + b'": NaN}]}', "/predict", {}, "rows[0].\\ud800"),
        (ROW + b"\n" + ROW.replace(b"UA", HALF), "/predict", LINES, "rows[1].carrier"),
        (TENSORS.replace('"UA"', '"\\ud800"').encode(), INFER, {}, "inputs[0].data[0]"),
        (TENSORS.replace('"v"', '"\\udc00"').encode(), INFER, {}, "parameters.p"),
        (TENSORS.replace('"p"', '"\\ud800"').encode(), INFER, {}, "parameters.\\ud800"),
        (TENSORS.replace('"delay"', '"\\ud800"').encode(), INFER, {}, "outputs[0].name"),
        (TENSORS.replace('"hour"', '"\\ud800"').encode(), INFER, {}, "inputs[1].name"),
        (b'{"inputs": [{"data": [{"\\ud800": NaN}]}]}', INFER, {}, "inputs[0].data[0].\\ud800"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_with_its_path(
    columns_server, body, path, headers, place
):
    """Wherever it stands, also in a name beside another fault; the answer can hold the path."""
    answer = columns_server.post(body, path=path, **headers)

    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["path"]) == ("malformed_json", place)
    assert "half of a surrogate pair" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "path", "headers", "place", "words"),
    [
        (ROW + b'\n{"hour": nul}', "/predict", LINES, "rows[1]", "at byte 9 there must be a value"),
        (
            TENSORS.encode().replace(b'["UA"]', b'["\xff"]'),
            INFER,
            {},
            "inputs[0].data",
            "byte 2 (0xff) is not UTF-8",
        ),
        (
            b'{"parameters": {"a": [], "b": nul}}',
            INFER,
            {},
            "parameters",
            "A value in 'parameters' must be",
        ),
        (
            b'{"rows": [' + ROW.replace(b"false", b"18446744073709551616") + b"]}",
            "/predict",
            {},
            "rows[0].holiday",
            "must be true or false, not a number.",
        ),
    ],
)
def test_a_fault_is_told_where_it_is(columns_server, body, path, headers, place, words):
    """In a line, in a tensor, in parameters of a body that is damaged further on."""
    answer = columns_server.post(body, path=path, **headers)

    assert (answer.status_code, answer.json()["path"]) == (400, place)
    assert words in answer.json()["error"]
