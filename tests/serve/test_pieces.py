"""Long bodies are read piece by piece, and mean what they would mean in one."""

import json
import random

import numpy as np
import pytest
import toy_models as models
from toy_running import build
from toy_worker import Worker

from sealift.serve import guard, messages, pieces, spot, strict
from sealift.serve.refusal import RefusalError

ROW = b'{"a":0.5,"b":0.5,"c":0.5}'
ODD = ["a", "AA", "x},{", "],[", 'q"\\', "é", "},", "a:b", "", '\\"', "\\"]
SHORT = 90
"""Bytes of a piece where many are wanted."""


@pytest.fixture(scope="module")
def texts_worker(tmp_path_factory):
    """A model with texts among its inputs."""
    folder = tmp_path_factory.mktemp("columns")
    return Worker(build(folder, models.columns_model, models.columns_table, target="delay"))


@pytest.fixture
def short(monkeypatch):
    """Pieces of some bytes."""
    monkeypatch.setattr(pieces, "PIECE", SHORT)


def row(dice):
    """A row of ``columns_model``; its text may look like anything in JSON."""
    return {
        "hour": dice.randrange(5, 24),
        "carrier": dice.choice(ODD),
        "distance": dice.choice([100.5, None, 300]),
        "holiday": dice.random() < 0.5,
    }


@pytest.mark.parametrize("mark", [b"", b"}", b"]"])
def test_a_list_is_cut_between_its_elements_and_nowhere_else(short, mark):
    """Whatever its texts hold, and however it is spaced."""
    dice = random.Random(3)
    for _ in range(300):
        plain = [dice.choice([*ODD, 1, None, -0.5, True]) for _ in range(dice.randrange(40))]
        values = {
            b"": plain,
            b"}": [{"a": one, "b}": ","} for one in plain],
            b"]": [[one, "],"] for one in plain],
        }[mark]
        text = json.dumps(values, indent=dice.choice([None, 1]), ensure_ascii=False).encode()
        found = list(pieces.cut(text, mark))
        assert [one for piece in found for one in json.loads(piece)] == values
        assert len(found) > 1 or len(text) < 3 * SHORT
        assert all(len(piece) < 4 * SHORT for piece in found)


def test_bytes_within_texts_are_not_counted(short):
    """However long a text is, and whatever escapes it holds."""
    dice = random.Random(4)
    for _ in range(300):
        value = {f"k{number}": dice.choice(ODD) * dice.randrange(60) for number in range(9)}
        text = json.dumps(value, ensure_ascii=False).encode()
        assert pieces.many(text, b":", 8)
        assert not pieces.many(text, b":", 9)


def test_many_rows_mean_the_same_in_one_piece_and_in_many(texts_worker, monkeypatch):
    """As JSON or lines of it, with texts that look like the ends of rows, spaced in any way."""
    dice, read = random.Random(5), texts_worker.service.guard
    for _ in range(200):
        rows = [row(dice) for _ in range(dice.randrange(1, 20))]
        spaced, plain = dice.choice([None, 1]), dice.random() < 0.5
        whole = json.dumps({"id": 'x"', "rows": rows}, indent=spaced, ensure_ascii=plain).encode()
        lines = "\n".join(json.dumps(one, indent=spaced, ensure_ascii=plain) for one in rows)
        expected = [tuple(one[name] for name in read.names) for one in rows]
        for size in (1 << 18, SHORT):
            monkeypatch.setattr(pieces, "PIECE", size)
            name, found = read.read(whole)
            assert (name, found) == ('x"', expected)
            assert isinstance(found, guard.Usual) is (not read.flags(list(found)))
            assert read.read_lines(lines.encode()) == expected


FAULTS = {
    "a wrong type": (b'"a":0.5', b'"a":"x"', "wrong_type", "rows[30].a"),
    "a missing name": (b'"a":0.5,', b"", "missing_field", "rows[30].a"),
    "an unknown name": (b'"a"', b'"A"', "unknown_field", "rows[30].A"),
    "a name twice": (b'"b"', b'"a":0.5,"b"', "repeated_field", "rows[30].a"),
    "too large a number": (b'"a":0.5', b'"a":1e99', "out_of_range", "rows[30].a"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_in_a_later_piece_is_told_with_its_path(tensor_folder, fault, short):
    """Of rows in JSON, and in lines of it."""
    right, wrong, code, path = FAULTS[fault]
    rows = [ROW] * 30 + [ROW.replace(right, wrong)] + [ROW] * 30
    read = Worker(tensor_folder).service.guard
    for body, take in (
        (b'{"rows":[' + b",".join(rows) + b"]}", read.read),
        (b"\n".join(rows), read.read_lines),
    ):
        with pytest.raises(RefusalError) as raised:
            take(body)
        assert (raised.value.code, raised.value.where) == (code, path)


def test_of_bytes_that_are_not_utf_8_the_place_in_the_whole_body_is_told(texts_worker, short):
    """Not that in the piece, where the decoder finds them."""
    dice = random.Random(6)
    body = json.dumps({"rows": [row(dice) for _ in range(40)]}).encode()
    place = body.index(b'"carrier"', 2000) + len('"carrier": "')
    body = body[:place] + b"\xff" + body[place:]
    with pytest.raises(RefusalError, match=rf"byte {place} \(0xff\) is not UTF-8"):
        texts_worker.service.guard.read(body)


@pytest.mark.parametrize("lines", [False, True])
def test_of_too_many_rows_those_beyond_the_bound_are_not_read(tensor_folder, lines):
    """So they may be wrong as well, and nobody hears of it."""
    worker = Worker(tensor_folder)
    rows = [ROW] * (pieces.PIECE // len(ROW) + worker.service.guard.contract.max_rows) + [b"{}"]
    read = worker.service.guard.read_lines if lines else worker.service.guard.read
    with pytest.raises(RefusalError) as raised:
        read(b"\n".join(rows) if lines else b'{"rows":[' + b",".join(rows) + b"]}")
    assert (raised.value.code, raised.value.where) == ("length", "rows")


@pytest.mark.parametrize("lines", [False, True])
def test_a_row_of_megabytes_that_repeats_a_name_is_refused_before_it_is_decoded(
    tensor_folder, lines, monkeypatch
):
    """To decode a name a million times is one step."""
    worker = Worker(tensor_folder)
    one = b"{" + b",".join([b'"a":1'] * (strict.LONG // 5)) + b',"b":1,"c":1}'
    decoded = []

    class Watched:
        def __init__(self, decoder):
            self._decoder = decoder

        def decode(self, text):
            decoded.append(len(text))
            return self._decoder.decode(text)

        decode_lines = decode

    read = worker.service.guard
    for name in ("_list", "_usual_list", "_line"):
        monkeypatch.setattr(read, name, Watched(getattr(read, name)))
    with pytest.raises(RefusalError, match="'a' occurs twice") as raised:
        (read.read_lines if lines else read.read)(one if lines else b'{"rows":[' + one + b"]}")
    assert (raised.value.code, decoded) == ("repeated_field", [])


def test_a_name_that_occurs_twice_is_found_in_any_body(short):
    """Or that none does: escaped names, names in texts, texts that are longer than a piece."""
    dice = random.Random(7)
    for _ in range(500):
        names = dice.sample([*ODD, "\n", "\u0041" * 200], 6)
        twice = dice.random() < 0.5
        members = [(name, dice.choice([1, "x", "y" * 300, {"a": "a"}])) for name in names]
        if twice:
            members.append((names[dice.randrange(6)], [":", {}]))
        dice.shuffle(members)
        plain = dice.random() < 0.5
        text = ",".join(
            f"{json.dumps(name, ensure_ascii=plain)} : {json.dumps(value)}"
            for name, value in members
        )
        assert (spot.repeated(b'[{"x":[{%b}]}]' % text.encode()) is not None) is twice


INPUT = b'{"inputs":[{"name":"X","shape":[%b],"datatype":"FP32","data":[%b]}]'
PAD = b" " * pieces.PIECE


@pytest.mark.parametrize(
    "more",
    [
        b'"parameters":{%b}' % b",".join(b'"%d":1' % one for one in range(messages.MEMBERS)),
        b'"outputs":[%b]' % b",".join([b'{"name":"y"}'] * messages.MEMBERS),
    ],
    ids=["parameters", "outputs"],
)
def test_a_request_of_too_many_names_is_refused_before_it_is_decoded(more, monkeypatch):
    """To decode a million parameters is one step."""
    monkeypatch.setattr(strict, "decode", None)
    with pytest.raises(RefusalError, match="more than 16384 names; send fewer") as raised:
        messages.read(INPUT % (b"1,3", b"1,2,3") + b"," + more + PAD + b"}", None)
    assert (raised.value.code, raised.value.status) == ("length", 400)


def test_colons_in_texts_are_no_names():
    """Times of day, as many as a request may hold."""
    times = b",".join([b'"12:30:00"'] * messages.MEMBERS)
    request, _ = messages.read(INPUT % (b"1,3", times) + PAD + b"}", None)
    assert bytes(request.inputs[0].data) == b"[" + times + b"]"


@pytest.mark.parametrize(
    ("shape", "code", "path"),
    [
        (b"1" + b",1" * 99, "length", "inputs[0].shape"),
        (b"1" + b",1" * 99999, "length", "inputs[0].shape"),
        (b"1,-3", "out_of_range", "inputs[0].shape[1]"),
        (b'1,"3"', "wrong_type", "inputs[0].shape[1]"),
    ],
)
def test_a_wrong_shape_in_a_long_request_is_told_as_in_a_short_one(shape, code, path):
    """However many sizes it has."""
    said = set()
    for space in (b"", PAD):
        with pytest.raises(RefusalError) as raised:
            messages.read(INPUT % (shape, b"1,2,3") + space + b"}", None)
        assert (raised.value.code, raised.value.where) == (code, path)
        said.add(raised.value.what)
    assert len(said) == 1


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("null", [False, True])
def test_many_numbers_mean_the_same_in_one_piece_and_in_many(
    tensor_folder, nested, null, monkeypatch
):
    """Flat or nested, with null or without."""
    rows = np.random.default_rng(8).normal(size=(900, 3)).round(3).tolist()
    data = rows if nested else [one for some in rows for one in some]
    if null:
        (data[700] if nested else data)[1] = None
    body = json.dumps(
        {"inputs": [{"name": "X", "shape": [900, 3], "datatype": "FP32", "data": data}]}
    ).encode()
    worker, found = Worker(tensor_folder), []
    for size in (1 << 18, SHORT):
        monkeypatch.setattr(pieces, "PIECE", size)
        try:
            found.append(worker.service._loaded.protocol.read(body, None).batch.feeds["X"])
        except RefusalError as refusal:
            found.append((refusal.code, refusal.where, refusal.what))
    assert type(found[0]) is (tuple if null else np.ndarray)
    assert np.array_equal(found[0], found[1])


def test_what_is_wrong_with_a_late_value_is_told_with_its_path(tensor_folder, short):
    """Of a nested list."""
    data = [[0.5, 0.5, 0.5] for _ in range(100)]
    data[77][2] = "x"
    tensor = {"name": "X", "shape": [100, 3], "datatype": "FP32", "data": data}
    protocol = Worker(tensor_folder).service._loaded.protocol
    with pytest.raises(RefusalError) as raised:
        protocol.read(json.dumps({"inputs": [tensor]}).encode(), None)
    assert (raised.value.code, raised.value.where) == ("wrong_type", "inputs[0].data[77][2]")
