"""Rows by name as CSV and JSON lines, and answers likewise."""

import csv
import io
import json

import pytest

GOOD = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}
NAMES = ",".join(GOOD)


def by_csv(server, text, **headers):
    """POST a table."""
    body = text if isinstance(text, bytes) else text.encode()
    return server.post(body, **{"content-type": "text/csv", **headers})


def by_lines(server, text, kind="application/jsonl", **headers):
    """POST lines."""
    return server.post(text.encode(), **{"content-type": kind, **headers})


def test_a_table_is_answered_like_rows(columns_server):
    """Columns in any order; an empty cell is no value; quotes, marks and breaks as CSV has them."""
    text = 'holiday,"distance",hour,carrier\r\nFALSE,100,9,UA\r\n\r\n1,,10,"new, ""x"""\r\n'
    rows = [GOOD, {"carrier": 'new, "x"', "hour": 10, "distance": None, "holiday": True}]

    answer = by_csv(columns_server, "\ufeff" + text, **{"x-request-id": "t"}).json()

    assert answer == columns_server.post({"id": "t", "rows": rows}).json()
    assert answer["flags"] == {"1": ["carrier"]}


@pytest.mark.parametrize(
    "kind", ["application/jsonl", "application/x-ndjson", "application/x-jsonlines"]
)
def test_lines_are_answered_like_rows(columns_server, kind):
    """One object a line, blank lines between."""
    rows = [GOOD, {**GOOD, "hour": 10}]
    text = "\n\n".join(map(json.dumps, rows)) + "\r\n"

    answer = by_lines(columns_server, text, kind, **{"x-request-id": "t"})

    assert answer.json() == columns_server.post({"id": "t", "rows": rows}).json()


def test_answers_may_be_tables_and_lines(columns_server):
    """A row for each, with the id of its record and what was flagged."""
    rows = {"id": "x", "rows": [GOOD, {**GOOD, "hour": 30, "carrier": "new"}]}

    table = columns_server.post(rows, accept="text/csv")
    lines = columns_server.post(rows, accept="application/x-ndjson, application/json;q=0.1")
    single = columns_server.post({"id": "y", "rows": [GOOD]}, accept="text/csv")

    assert table.headers["content-type"] == "text/csv"
    assert list(csv.DictReader(io.StringIO(table.text))) == [
        {"id": "x/0", "prediction": "22.0", "flags": ""},
        {"id": "x/1", "prediction": "70.0", "flags": "hour;carrier"},
    ]
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == [
        {"id": "x/0", "prediction": 22.0, "flags": []},
        {"id": "x/1", "prediction": 70.0, "flags": ["hour", "carrier"]},
    ]
    assert single.text.splitlines()[1] == "y,22.0,"


ROW = "UA,9,100.0,false"
BAD_TABLES = {
    "nothing": ("", "malformed_csv", None),
    "no header": (f"\n{ROW}", "malformed_csv", None),
    "no rows": (NAMES, "length", "rows"),
    "a column missing": ("carrier,hour,distance\nUA,9,1", "missing_field", "rows[0].holiday"),
    "a column misspelt": (NAMES.replace("hour", "huor"), "unknown_field", "rows[0].huor"),
    "a column twice": (f"{NAMES},hour\n{ROW},9", "repeated_field", "hour"),
    "a cell too few": (f"{NAMES}\n{ROW}\nUA,9,100.0", "malformed_csv", "rows[1]"),
    "a cell too many": (f"{NAMES}\n{ROW},x", "malformed_csv", "rows[0]"),
    "a text for a number": (f"{NAMES}\nUA,x,1,false", "wrong_type", "rows[0].hour"),
    "a fraction": (f"{NAMES}\nUA,9.5,1,false", "wrong_type", "rows[0].hour"),
    "no value": (f"{NAMES}\nUA,,1,false", "wrong_type", "rows[0].hour"),
    "not a number": (f"{NAMES}\nUA,9,nan,false", "out_of_range", "rows[0].distance"),
    "an infinity": (f"{NAMES}\nUA,9,inf,false", "out_of_range", "rows[0].distance"),
    "an underscore": (f"{NAMES}\nUA,9,1_0,false", "wrong_type", "rows[0].distance"),
    "no truth": (f"{NAMES}\nUA,9,1,maybe", "wrong_type", "rows[0].holiday"),
    "beyond the bounds": (f"{NAMES}\n{ROW}\nUA,99,1,false", "out_of_range", "rows[1].hour"),
    "an open quote": (f'{NAMES}\n"UA,9,1,false', "malformed_csv", "rows[0]"),
    "a cell of megabytes": (f"{NAMES}\n{'x' * 200_000},9,1,false", "malformed_csv", "rows[0]"),
    "too many rows": (f"{NAMES}\n" + f"{ROW}\n" * 5000, "length", "rows"),
    "a null byte": (f"{NAMES}\nU\0A,9,1,fa\0lse", "wrong_type", "rows[0].holiday"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_path(columns_server, case):
    """400, a slug, and the row and field."""
    text, code, path = BAD_TABLES[case]

    answer = by_csv(columns_server, text)

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.json().get("path") == path


@pytest.mark.parametrize(
    ("cell", "same"),
    [("+9", "9"), ("9.0", "9"), ("09", "9"), (" 9", "9"), ("9.", "9"), ("+9.0e0", "9")],
)
def test_whole_numbers_may_be_spelled_as_tools_spell_them(columns_server, cell, same):
    """With a point, where the table has gaps; with a sign, zeros or blanks."""
    answers = [
        by_csv(columns_server, f"{NAMES}\nUA,{one},100.0,false").json()["predictions"]
        for one in (cell, same)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("cell", [".5", "+0.5", "0.50", " .5", "5e-1", "50.E-2"])
def test_numbers_may_be_spelled_as_tools_spell_them(columns_server, cell):
    """Without a zero before the point, or digits behind it."""
    answers = [
        by_csv(columns_server, f"{NAMES}\nUA,9,{one},false").json()["predictions"]
        for one in (cell, "0.5")
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-Infinity"])
def test_a_cell_that_is_no_finite_number_is_said_to_be_none(columns_server, word):
    """Not to be too large or too small, and what stands for no value."""
    answer = by_csv(columns_server, f"{NAMES}\nUA,9,{word},false").json()
    assert f"must be a finite number, not '{word}'; an empty cell is no value" in answer["error"]


@pytest.mark.parametrize("blank", [" ", "\t", "\x0b", "\x1c", "\x1f", "\xa0", "\u2003", "\x1c\xa0"])
def test_a_number_out_of_range_is_refused_with_any_blank_behind_it(columns_server, blank):
    """With what float() takes for one, and what it does not."""
    answer = by_csv(columns_server, f"{NAMES}\nUA,93{blank},100.0,false".encode())
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["path"]) == ("out_of_range", "rows[0].hour")


def test_bytes_that_are_no_text_are_refused(columns_server):
    """400."""
    assert by_csv(columns_server, b"\xff\xfe\0").json()["code"] == "malformed_csv"


LINE = json.dumps(GOOD)


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("", "length", "rows"),
        ("x", "malformed_json", "rows[0]"),
        (f"{LINE}\n{LINE[:-1]}", "malformed_json", "rows[1]"),
        (f"{LINE}\n\n{LINE[:-1]}\n{LINE}", "malformed_json", "rows[1]"),
        (f"{LINE}\n{LINE.replace('100.0', 'NaN')}", "malformed_json", "rows[1].distance"),
        (f"{LINE}\n{LINE.replace('9', '99')}", "out_of_range", "rows[1].hour"),
        (f"{LINE}\n[1]", "wrong_type", "rows[1]"),
        (f'{LINE}\n{LINE[:-1]}, "hour": 9}}', "repeated_field", "rows[1].hour"),
        ("\n".join([LINE] * 4097), "length", "rows"),
    ],
)
def test_bad_lines_are_refused(columns_server, text, code, path):
    """400, a slug, and the row and field."""
    answer = by_lines(columns_server, text)

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.json().get("path") == path


@pytest.mark.parametrize("kind", ["application/vnd.apache.parquet", "text/html"])
def test_what_is_not_understood_is_told_what_is(columns_server, kind):
    """415 with the media types to choose from."""
    answer = columns_server.post(b"x", **{"content-type": kind})

    assert (answer.status_code, answer.json()["code"]) == (415, "content_type")
    for known in ("application/json", "text/csv", "application/jsonl"):
        assert known in answer.json()["error"]
