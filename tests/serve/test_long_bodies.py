"""Long bodies keep no other client waiting, and what is wrong with them is told truly."""

import asyncio
import threading

import pytest
from test_flaws import told
from toy_worker import PATH, ROWS, Worker, infer, posted

from sealift.serve import aside, messages, spot
from sealift.serve.refusal import RefusalError

ROW = b'{"a":0.5,"b":0.5,"c":0.5}'
MANY = aside.LONG // len(ROW)
INFER = b'{"inputs":[{"name":"X","shape":[1,3],"datatype":"FP32","data":[0.5,0.5,0.5]}]'
FAR = b" " * spot.FAR


def rows(last):
    """A body of rows by name."""
    return b'{"rows":[' + b",".join([ROW] * MANY) + b"," + last + b"]}"


LONG = {
    "rows": ("/predict", "application/json", rows(ROW), b"200"),
    "NaN": ("/predict", "application/json", rows(b'{"a":NaN}'), b"400"),
    "a name twice": ("/predict", "application/json", rows(ROW[:-1] + b',"a":1}'), b"400"),
    "lines": ("/predict", "application/jsonl", (ROW + b"\n") * MANY * 2 + b"{", b"400"),
    "a table": ("/predict", "text/csv", b"a,b,c\n" + b"0.5,0.5,0.5\n" * 9000, b"400"),
    "a tensor": (PATH, "application/json", INFER + b" " * aside.LONG, b"400"),
    "an index": (
        "/v2/repository/index",
        "application/json",
        b'{"ready":true' + b" " * aside.LONG + b"}",
        b"200",
    ),
    "parameters": (
        PATH,
        "application/json",
        INFER + b',"parameters":{' + b",".join(b'"%d":1' % one for one in range(9999)) + b"}}",
        b"200",
    ),
}


@pytest.mark.parametrize("case", LONG)
def test_a_client_is_answered_while_a_long_body_of_another_is_not_read_yet(tensor_folder, case):
    """The thread that reads long bodies is held up; what is short needs no thread."""
    path, kind, body, status = LONG[case]
    worker, gate = Worker(tensor_folder), threading.Event()
    assert len(body) > aside.LONG

    async def scene():
        busy = asyncio.create_task(worker.service.aside.read(gate.wait))
        await asyncio.sleep(0)
        long, quiet, wrong = (worker.door(express=False) for _ in range(3))
        long.come(posted(body, path, **{"content-type": kind}))
        for _ in range(10):
            await asyncio.sleep(0)
        quiet.come(posted(infer(ROWS[0])))
        wrong.come(posted(b'{"id": NaN}', "/predict"))
        before = [b"".join(door.wire.written)[9:12] for door in (quiet, wrong, long)]
        gate.set()
        await busy
        async with asyncio.timeout(60):
            while not long.wire.written:
                await asyncio.sleep(0.001)
        return before, b"".join(long.wire.written)[9:12]

    try:
        assert asyncio.run(scene()) == ([b"200", b"400", b""], status)
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("body", "code", "path", "words"),
    [
        (INFER + b',"id":NaN}', "malformed_json", "id", "'id' is NaN, which JSON does not have"),
        (
            FAR + INFER + b',"id":-Infinity}',
            "malformed_json",
            "",
            f"at byte {len(FAR + INFER) + 7} stands 'Infinity'; write null for no value",
        ),
        (
            FAR + INFER + b',"id":"\\ud800"}',
            "malformed_json",
            "",
            f"\\ud800 at byte {len(FAR + INFER) + 7} is half of a surrogate pair",
        ),
        (FAR + INFER + b',"id":"a","id":"b"}', "repeated_field", "", "'id' occurs twice"),
        (
            INFER + FAR + b',"parameters":{"\\ud83d\\ude00":1,"\\ud83d\\ude00":2}}',
            "repeated_field",
            "",
            "'\U0001f600' occurs twice",
        ),
        (FAR + INFER + b',"parameters":{"a":{}}}', "wrong_type", "parameters", "A value in"),
        (
            FAR + INFER + b',"parameters":{"a":1,"a":\xff}}',
            "malformed_json",
            "",
            f"byte {len(FAR + INFER) + 25} (0xff) is not UTF-8",
        ),
    ],
)
def test_of_a_body_of_megabytes_what_is_wrong_is_told_if_not_its_path(body, code, path, words):
    """The path would be looked for in all that it holds."""
    with pytest.raises(RefusalError) as raised:
        messages.read(body, None)
    assert (raised.value.code, raised.value.where) == (code, path)
    assert words in raised.value.what


def test_escapes_alone_are_no_fault_in_a_body_of_megabytes_either():
    """They look like a repeated name to a quick count."""
    request, _ = messages.read(FAR + INFER + b',"id":"\\u0022"}', None)
    assert request.id == '"'


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_told_with_what_to_write_instead(word):
    """By who tells bytes."""
    assert told(f"[1, {word}]".encode()).endswith(f"{word.lstrip('-')!r}; write null for no value")


def test_of_many_lines_the_one_that_names_a_field_twice_is_told(tensor_folder):
    """Behind others that only look so, and blank ones, which do not count."""
    escaped = ROW.replace(b'"a"', b'"\\u0061"')
    lines = [escaped, b"  \t", b" " + ROW, b"", b"  " + ROW[:-1] + b', "a": 1}', ROW]
    worker = Worker(tensor_folder)
    with pytest.raises(RefusalError) as raised:
        worker.service.guard.read_lines(b"\n".join(lines))
    assert (raised.value.code, raised.value.where) == ("repeated_field", "rows[2].a")
    assert len(worker.service.guard.read_lines(b"\n".join([*lines[:4], b" \r\n"]))) == 2
