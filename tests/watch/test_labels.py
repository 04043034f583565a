"""Labels come from files that people wrote."""

import pytest

from sealift.errors import DataError
from sealift.record.observation import Label
from sealift.watch.labels import read_labels


def read(tmp_path, content, name="labels.csv"):
    """The labels of a file with this content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path, now=9.0)


def test_a_csv_file_has_an_id_and_a_value_column(tmp_path):
    """In any order, among others, with any line ends, with or without a byte order mark."""
    content = "\ufeffvalue,seen,id,at\r\n12.5,x,a,3\r\nUA,y,b,\r\n1,z,c,4.5\r\n"

    assert read(tmp_path, content) == [
        Label(id="a", value=12.5, at=3.0),
        Label(id="b", value="UA", at=9.0),
        Label(id="c", value=1.0, at=4.5),
    ]


def test_json_lines_say_the_same(tmp_path):
    """Numbers stay numbers and texts stay texts."""
    content = '{"id":"a","value":12,"more":1}\n\n{"id":"b","value":"12","at":3}\n'
    content += '{"id":"c","value":true}'

    assert read(tmp_path, content, "labels.jsonl") == [
        Label(id="a", value=12.0, at=9.0),
        Label(id="b", value="12", at=3.0),
        Label(id="c", value="true", at=9.0),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column 'id'; the first line has nothing"),
        ("id;value\na;1\n", "no column 'id'; the first line has id;value"),
        ("id,truth\na,1\n", "no column 'value'"),
        ("id,value\na,1\nb\n", "value is missing. (FILE, line 3)"),
        ("id,value\na,\n", "value is missing. (FILE, line 2)"),
        ("id,value\n,1\n", "id is empty. (FILE, line 2)"),
        ("id,value,at\na,1,noon\n", "'at' is 'noon'. (FILE, line 2)"),
        ("id,value,at\na,1,inf\n", "inf is not a finite number. (FILE, line 2)"),
        ('id,value\na,1\n"b,2\n', "no CSV"),
        (b"id,value\na,\xff\n", "not UTF-8"),
        ("id,value\na," + "1" * 200_000, "no CSV"),
    ],
)
def test_a_bad_csv_file_is_refused_with_the_place(tmp_path, content, words):
    """By its line."""
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)

    assert words.replace("FILE", str(tmp_path / "labels.csv")) in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id":"a"}',
        '{"id":1,"value":1}',
        '{"id":"a","value":null}',
        '{"id":"a","value":[1]}',
        '{"id":"","value":1}',
        '{"id":"a","value":NaN}',
        '{"id":"a","value":1e999}',
        '{"id":"a","value":1,"at":"noon"}',
        "[" * 100_000,
        '{"id":"a","value":1,"more":' + "[" * 100_000,
    ],
)
def test_a_bad_json_line_is_refused_with_its_number(tmp_path, line):
    """Whatever it is."""
    with pytest.raises(DataError, match=r"labels.jsonl, line 2"):
        read(tmp_path, '{"id":"a","value":1}\n' + line, "labels.jsonl")


def test_a_file_that_is_not_there_is_named(tmp_path):
    """Or that is a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be read") as caught:
            read_labels(path, now=1.0)
        assert caught.value.where == str(path)


@pytest.mark.parametrize("text", ["nan", "inf", "0x10", "1" * 5_000, "12345678901234567890", "é"])
def test_what_is_no_plain_number_stays_text(tmp_path, text):
    """A class label may look like anything."""
    assert read(tmp_path, f"id,value\na,{text}\n")[0].value == text
