"""Rows by name as streams and files of Arrow, and answers likewise; pyarrow is the other side."""

import random

import pyarrow as pa
import pytest

from sealift.errors import ContractError
from sealift.serve.arrow import answer, stream

GOOD = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}
OTHER = {"carrier": None, "hour": 10, "distance": None, "holiday": True}
NAMES = list(GOOD)
STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"


def table(rows, **kinds):
    """The rows as a table; ``kinds`` are the types of some columns."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.table({name: pa.array(values, kinds.get(name)) for name, values in columns.items()})


def packed(rows, write=pa.ipc.new_stream, batch=None, options=None):
    """A table, or rows, as a body."""
    whole = rows if isinstance(rows, pa.Table) else table(rows)
    sink = pa.BufferOutputStream()
    with write(sink, whole.schema, options=options) as writer:
        writer.write_table(whole, max_chunksize=batch)
    return sink.getvalue().to_pybytes()


def refused(body, names=NAMES, most=100):
    """Why a body is refused."""
    with pytest.raises(ContractError) as caught:
        stream.read(body, names, most)
    return caught.value


@pytest.mark.parametrize("write", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize("batch", [1, 2, None])
def test_a_stream_is_answered_like_rows(columns_server, write, batch):
    """In one batch or several, of a stream or a file; NaN and null are no value."""
    rows = [GOOD, {**GOOD, "distance": None}, {**GOOD, "hour": 30, "carrier": "new"}]
    kind = STREAM if write is pa.ipc.new_stream else FILE
    headers = {"x-request-id": "t", "content-type": kind}

    got = columns_server.post(packed(rows, write, batch), **headers)

    assert got.json() == columns_server.post({"id": "t", "rows": rows}).json()
    assert got.json()["flags"]["2"] == ["hour", "carrier"]


def test_answers_may_be_streams(columns_server):
    """A row for each, with the id of its record and what was flagged."""
    rows = {"id": "x", "rows": [GOOD, {**GOOD, "hour": 30, "carrier": "new"}]}

    got = columns_server.post(rows, accept=STREAM)

    assert got.headers["content-type"] == STREAM
    assert pa.ipc.open_stream(got.content).read_all().to_pylist() == [
        {"id": "x/0", "prediction": 22.0, "flags": ""},
        {"id": "x/1", "prediction": 70.0, "flags": "hour;carrier"},
    ]


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        ("carrier", pa.string(), ["UA", None, "a longer text than a view holds itself"]),
        ("carrier", pa.large_string(), ["UA", None, "ä"]),
        ("carrier", pa.string_view(), ["UA", None, "a longer text than a view holds itself"]),
        ("carrier", pa.dictionary(pa.int8(), pa.string()), ["UA", None, "UA"]),
        ("carrier", pa.dictionary(pa.uint32(), pa.large_string()), ["a", "b", "a"]),
        ("carrier", pa.null(), [None, None, None]),
        ("hour", pa.int8(), [-128, None, 127]),
        ("hour", pa.uint64(), [0, None, 2**64 - 1]),
        ("distance", pa.float16(), [0.5, None, -2.0]),
        ("distance", pa.float32(), [0.5, None, -2.0]),
        ("distance", pa.float64(), [float("inf"), None, 1e300]),
        ("holiday", pa.bool_(), [True, None, False]),
    ],
)
def test_every_type_of_numbers_texts_and_truth_is_read(column, kind, values):
    """With and without missing values, cut out of a longer table, and empty."""
    whole = pa.table({column: pa.array(values, kind)})

    assert stream.read(packed(whole), [column], 9) == {column: values}
    assert stream.read(packed(whole.slice(2)), [column], 9) == {column: values[2:]}
    assert stream.read(packed(whole.slice(3)), [column], 9) == {column: []}


def test_dictionaries_may_grow_and_be_replaced():
    """As a writer does from batch to batch."""
    kind = pa.dictionary(pa.int32(), pa.string())
    parts = [pa.array(words, kind) for words in (["a", "b"], ["a", "b", "c"], ["x"])]
    whole = pa.table({"carrier": pa.chunked_array(parts)})

    for deltas in (True, False):
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        got = stream.read(packed(whole, options=options), ["carrier"], 9)
        assert got["carrier"] == ["a", "b", "a", "b", "c", "x"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["late", None, "ä"], pa.string()),
        ([1, None, -(2**63)], pa.int64()),
        ([1.5, None, 2], pa.float64()),
        ([True, None, False], pa.bool_()),
        ([2**63, None, 1], pa.float64()),
        ([None, None, None], pa.float64()),
    ],
)
def test_answers_have_the_type_of_their_predictions(values, kind):
    """pyarrow validates and reads what is written."""
    for some in (values, [value for value in values if value is not None], values * 50):
        ids = [str(number) for number in range(len(some))]
        got = pa.ipc.open_stream(answer.written(ids, some, [""] * len(some))).read_all()

        got.validate(full=True)
        assert got.column("id").to_pylist() == ids
        assert got.column("prediction").to_pylist() == some
        assert got.schema.field("prediction").type == (kind if some else pa.float64())


def test_columns_that_do_not_fit_are_named(columns_server):
    """Unknown, missing, repeated, of a type that no field has, or with values that are illegal."""
    lists = pa.table({**table([GOOD]).to_pydict(), "hour": [[9]]})
    twice = pa.Table.from_arrays([pa.array([1])] * 2, names=["hour", "hour"])
    index = pa.table({"__index_level_0__": [1]})

    assert "holds lists" in str(refused(packed(lists)))
    assert "Two columns are called 'hour'" in str(refused(packed(twice)))
    assert "preserve_index=False" in str(refused(packed(index)))
    assert "'hour' is missing" in str(refused(packed(table([{"carrier": "UA"}]))))
    assert "Did you mean 'carrier'?" in str(refused(packed(table([{"carier": "UA"}]))))

    wrong = columns_server.post(packed([GOOD, {**GOOD, "hour": None}]), **{"content-type": STREAM})
    assert (wrong.status_code, wrong.json()["path"]) == (400, "rows[1].hour")


def test_whole_numbers_may_come_as_floats(columns_server):
    """As pandas holds them where values are missing elsewhere; with a fraction they are refused."""
    headers = {"content-type": STREAM, "x-request-id": "t"}
    good = columns_server.post(packed([{**GOOD, "hour": 9.0}]), **headers)
    bad = columns_server.post(packed([{**GOOD, "hour": 9.5}]), **headers)

    assert good.json() == columns_server.post({"id": "t", "rows": [GOOD]}).json()
    assert (bad.status_code, bad.json()["path"]) == (400, "rows[0].hour")


def test_compressed_and_crumbled_tables_are_refused():
    """With what to do instead."""
    compressed = pa.ipc.IpcWriteOptions(compression="lz4")
    crumbs = packed(table([GOOD] * 300), batch=1)

    assert "Content-Encoding: gzip" in str(refused(packed([GOOD], options=compressed)))
    assert "send larger ones" in str(refused(crumbs, most=1000))
    assert "at most" not in str(refused(b"")), "an empty body is no table"


def test_rows_beyond_the_most_are_not_read(columns_server):
    """The refusal is that of any other body with too many."""
    got = columns_server.post(packed(table([GOOD] * 20_000)), **{"content-type": STREAM})

    assert (got.status_code, got.json()["path"]) == (400, "rows")


SEEDS = [
    packed([GOOD, OTHER]),
    packed([GOOD, OTHER], pa.ipc.new_file),
    packed(table([GOOD, OTHER], carrier=pa.string_view())),
    packed(table([GOOD, OTHER], carrier=pa.dictionary(pa.int8(), pa.string()))),
]
WORDS = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80", b"\1\0\0\0"]


def damaged(dice):
    """A body of which some bytes were changed, cut out or repeated."""
    body = bytearray(dice.choice(SEEDS))
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        place = dice.randrange(len(body) or 1)
        length = dice.randrange(64)
        change = dice.choice(("byte", "word", "long", "cut", "repeat"))
        if change == "byte":
            body[place : place + 1] = dice.randbytes(1)
        elif change == "word":
            body[place : place + 4] = dice.choice(WORDS)
        elif change == "long":
            body[place : place + 8] = dice.choice(WORDS) * 2
        elif change == "cut":
            del body[place : place + length]
        else:
            body[place:place] = body[place : place + length]
    return bytes(body)


@pytest.mark.parametrize("seed", range(2))
def test_damage_is_refused_or_read_but_never_more(seed):
    """Whatever the bytes, the outcome is a table or a refusal, and never many rows."""
    dice = random.Random(seed)
    read = 0
    for _ in range(1000):
        try:
            found = stream.read(damaged(dice), NAMES, 100)
        except ContractError:
            continue
        read += 1
        assert all(len(values) <= 101 for values in found.values())
    assert read, "some damage lies where it does not matter"
