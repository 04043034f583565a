"""Long tables are read piece by piece, and of many values none are kept longer than needed."""

import csv
import io
import json
import random

import numpy as np
import pyarrow as pa
import pytest
import toy_models as models
from test_flaws import told
from toy_running import build
from toy_worker import Worker

from sealift.serve import batch, flaw, guard, pieces, rows, tensors
from sealift.serve.refusal import RefusalError

SHORT = 90
TEXTS = ["AA", "a,b", 'a"b', "a\nb", "a\r\nb", "é" * 9, "x" * 50]


@pytest.fixture(scope="module")
def texts_worker(tmp_path_factory):
    """A model with texts among its inputs."""
    folder = tmp_path_factory.mktemp("columns")
    return Worker(build(folder, models.columns_model, models.columns_table, target="delay"))


def table(dice, end):
    """A table for ``columns_model`` with its rows."""
    found = [
        {
            "hour": dice.randrange(5, 24),
            "carrier": dice.choice(TEXTS),
            "distance": dice.choice([100.5, None, 300]),
            "holiday": dice.random() < 0.5,
        }
        for _ in range(dice.randrange(1, 30))
    ]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(found[0]), lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in found:
        writer.writerow(row | {"holiday": str(row["holiday"]).lower()})
        text.write(dice.choice(["", end]))
    return found, dice.choice(["", "\ufeff"]) + text.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_means_the_same_in_one_piece_and_in_many(texts_worker, end, monkeypatch):
    """However its lines end, with quoted cells of several lines, and with blank lines."""
    dice, read = random.Random(5), texts_worker.service.guard
    for _ in range(60):
        found, text = table(dice, end)
        expected = [tuple(row[name] for name in read.names) for row in found]
        for size, group in ((1 << 18, 1 << 16), (SHORT, 7)):
            monkeypatch.setattr(pieces, "PIECE", size)
            monkeypatch.setattr(guard, "GROUP", group)
            assert rows.read(read, text.encode(), rows.CSV) == (None, expected)


@pytest.mark.parametrize(
    ("wrong", "code", "path", "words"),
    [
        (b"0.5,x,0.5", "wrong_type", "rows[3000].b", "must be a number"),
        (b"0.5,nan,0.5", "out_of_range", "rows[3000].b", "not 'nan'"),
        (b"0.5,1e99,0.5", "out_of_range", "rows[3000].b", "must be at most"),
        (b"0.5,0.5", "malformed_csv", "rows[3000]", "has 2 cells"),
        (b'0.5,0.5,"0"5', "malformed_csv", "rows[3000]", "not CSV"),
        (b"\xff,0.5,0.5", "malformed_csv", "", "not valid UTF-8"),
    ],
)
def test_what_is_wrong_in_a_late_row_of_a_table_is_told(
    tensor_folder, wrong, code, path, words, monkeypatch
):
    """With its number in the whole table."""
    monkeypatch.setattr(pieces, "PIECE", 1000)
    monkeypatch.setattr(guard, "GROUP", 100)
    good = b"0.5,0.5,0.5\r\n"
    body = b"a,b,c\r\n" + good * 3000 + wrong + b"\r\n" + good * 50
    with pytest.raises(RefusalError, match=words) as raised:
        rows.read(Worker(tensor_folder).service.guard, body, rows.CSV)
    assert (raised.value.code, raised.value.where) == (code, path)


@pytest.mark.parametrize("begin", [b"", b"a,b,c\n", b"a,b,c\n0.5,0.5,0.5\n" * 9])
def test_a_line_of_megabytes_is_refused_before_it_is_parsed(tensor_folder, begin, monkeypatch):
    """The parser takes it in one step: a header, or a row."""
    read, lengths = csv.reader, []

    def watched(lines, **more):
        return read((lengths.append(len(line)) or line for line in lines), **more)

    monkeypatch.setattr(csv, "reader", watched)
    body = begin + b"a," * (pieces.PIECE + rows.LINE) + b"\n"
    with pytest.raises(RefusalError, match="more than 2097152 bytes; send such rows as JSON"):
        rows.read(Worker(tensor_folder).service.guard, body, rows.CSV)
    assert max(lengths, default=0) < 100


def test_columns_become_the_same_rows_a_group_at_a_time_or_at_once(texts_worker, monkeypatch):
    """Those of Arrow; the last group may be short."""
    read = texts_worker.service.guard
    columns = {
        "hour": [float(5 + number % 19) for number in range(50)],
        "carrier": ["AA", "DL"] * 25,
        "distance": [None, 100.5] * 25,
        "holiday": [True, False] * 25,
    }
    sink = pa.BufferOutputStream()
    table = pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    body, found = sink.getvalue().to_pybytes(), []
    for group in (1 << 16, 7 * len(columns)):
        monkeypatch.setattr(guard, "GROUP", group)
        found.append(rows.read(read, body, rows.ARROW)[1])
    assert found[0] == found[1] == list(zip(*(columns[name] for name in read.names), strict=True))


def test_rows_of_many_values_are_picked_as_they_were_sent(tensor_folder, monkeypatch):
    """Though they are kept as bytes, and the list of them is empty."""
    monkeypatch.setattr(batch, "MANY", 5)
    worker = Worker(tensor_folder)
    given = [(0.1, 0.25, 1 / 3), (-0.0, 1e-300, 2.0), (0.5, 0.5, 0.5)]
    left = list(given)
    loaded = worker.service._loaded
    made = batch.of_rows(worker.service.guard, loaded.packer, left)
    assert (made.count, left) == (3, [])
    assert made.rows([2, 0])() == [given[2], given[0]]
    assert np.array_equal(made.feeds["X"], np.array(given, np.float32))


def test_many_values_become_the_array_that_few_would():
    """Numbers, truths, texts and rows."""
    dice, count = random.Random(6), 3 * tensors.PIECE + 5
    numbers = [dice.choice([0.5, None, 1e300]) for _ in range(count)]
    assert np.array_equal(
        tensors.arrayed(numbers, np.float64), np.array(numbers, np.float64), equal_nan=True
    )
    texts = [dice.choice(["a", "bc"]) for _ in range(count)]
    assert tensors.arrayed(texts, np.object_).tolist() == texts
    wide = [tuple(dice.random() for _ in range(100)) for _ in range(1500)]
    assert np.array_equal(tensors.arrayed(wide, np.float32), np.array(wide, np.float32))


@pytest.mark.parametrize("nested", [False, True])
def test_long_data_is_never_a_list_of_all_its_values(tensor_folder, nested, monkeypatch):
    """To forget millions of numbers at once would be one step."""
    monkeypatch.setattr(pieces, "PIECE", 1000)
    monkeypatch.setattr(tensors, "PIECE", 100)
    data = [[0.5, 0.25, 0.125]] * 400
    flat = [one for row in data for one in row]
    tensor = {"name": "X", "shape": [400, 3], "datatype": "FP32"}
    message = {"inputs": [tensor | {"data": data if nested else flat}]}
    body = json.dumps(message).encode()
    longest, arrayed = [], tensors.arrayed

    def watched(values, dtype):
        longest.append(len(values))
        return arrayed(values, dtype)

    monkeypatch.setattr("sealift.serve.cells.arrayed", watched)
    asked = Worker(tensor_folder).service._loaded.protocol.read(body, None)
    assert np.array_equal(asked.batch.feeds["X"], np.array(data, np.float32))
    assert max(longest, default=0) < 300


ESCAPES = [rb"\n", rb"\"", rb"\\", rb"\u00e9", rb"\ud83d\ude00", b"a", "é".encode(), b" "]


@pytest.mark.parametrize("wrong", [rb"\x", rb"\ud800", rb"\ude00", b"\x01", b"\xff"])
def test_where_a_long_text_is_wrong_is_told_to_the_byte(wrong, monkeypatch):
    """Though it is looked through piece by piece, which end anywhere."""
    dice = random.Random(7)
    for size in (70, 71, 72, 73):
        monkeypatch.setattr(pieces, "PIECE", size)
        monkeypatch.setattr(flaw, "PIECE", size)
        for _ in range(50):
            before = b"".join(dice.choices(ESCAPES, k=dice.randrange(200)))
            body = b'{"id":"' + before + wrong + rb' \\"}'
            assert f"byte {len(before) + 7}" in told(body)
