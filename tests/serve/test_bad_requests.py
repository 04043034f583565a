"""Every bad request is refused with a 4xx that names the field and the reason."""

import json

import httpx
import pytest
from toy_running import Running

GOOD = {"carrier": "UA", "hour": 9, "distance": 100.5, "holiday": False}


def changed(**values):
    """A body with one row that differs from a good one; None of ``...`` leaves a field out."""
    row = {name: value for name, value in {**GOOD, **values}.items() if value is not ...}
    return {"rows": [row]}


BAD_ROWS = {
    "a missing field": (changed(hour=...), "missing_field", "rows[0].hour"),
    "a misspelt field": (changed(hour=..., huor=3), "unknown_field", "rows[0].huor"),
    "a field too many": (changed(extra=3), "unknown_field", "rows[0].extra"),
    "null where none is allowed": (changed(hour=None), "wrong_type", "rows[0].hour"),
    "text for a number": (changed(distance="100"), "wrong_type", "rows[0].distance"),
    "a truth for a number": (changed(distance=True), "wrong_type", "rows[0].distance"),
    "a truth for a whole number": (changed(hour=True), "wrong_type", "rows[0].hour"),
    "a number for a truth": (changed(holiday=1), "wrong_type", "rows[0].holiday"),
    "a number for a text": (changed(carrier=1), "wrong_type", "rows[0].carrier"),
    "a fraction for a whole number": (changed(hour=9.5), "wrong_type", "rows[0].hour"),
    "a point in a whole number": (changed(hour=9.0), "wrong_type", "rows[0].hour"),
    "a list for a number": (changed(distance=[1]), "wrong_type", "rows[0].distance"),
    "an object for a text": (changed(carrier={}), "wrong_type", "rows[0].carrier"),
    "a number above the largest": (changed(distance=5000.1), "out_of_range", "rows[0].distance"),
    "a number below the smallest": (changed(distance=-0.1), "out_of_range", "rows[0].distance"),
    "a whole number above": (changed(hour=10**6), "out_of_range", "rows[0].hour"),
    "a huge whole number": (changed(hour=10**400), "out_of_range", "rows[0].hour"),
    "a huge number": (changed(distance=10**400), "out_of_range", "rows[0].distance"),
    "a text too long": (changed(carrier="x" * 65), "length", "rows[0].carrier"),
    "a bad second row": (
        {"rows": [GOOD, {**GOOD, "hour": "x"}]},
        "wrong_type",
        "rows[1].hour",
    ),
    "a row that is no object": ({"rows": [[1, 2]]}, "wrong_type", "rows[0]"),
    "rows that are no list": ({"rows": GOOD}, "wrong_type", "rows"),
    "no rows": ({"rows": []}, "length", "rows"),
    "too many rows": ({"rows": [GOOD] * 4097}, "length", "rows"),
    "no rows member": ({"id": "x"}, "missing_field", "rows"),
    "an unknown member": ({"rows": [GOOD], "ids": "x"}, "unknown_field", "ids"),
    "an id that is no text": ({"rows": [GOOD], "id": 7}, "wrong_type", "id"),
    "an id too long": ({"rows": [GOOD], "id": "x" * 129}, "length", "id"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_refused_with_its_path(columns_server, case):
    """400, a slug, the path of the offending value, and a sentence that names it."""
    body, code, path = BAD_ROWS[case]

    answer = columns_server.post(body)

    assert answer.status_code == 400, answer.text
    assert (answer.json()["code"], answer.json()["path"]) == (code, path)
    assert path.rpartition(".")[2].partition("[")[0] in answer.json()["error"]


def test_a_misspelt_field_is_told_the_right_name(columns_server):
    """Did you mean?"""
    answer = columns_server.post(changed(hour=..., huor=3))

    assert "Did you mean 'hour'?" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "path"),
    [(GOOD, "carrier"), ({"rows": [{"rows": [GOOD]}]}, "rows[0].rows")],
)
def test_a_name_at_the_wrong_place_is_not_told_to_be_unknown(columns_server, body, path):
    """A row that is not among rows has right names."""
    answer = columns_server.post(body)

    assert (answer.status_code, answer.json()["path"]) == (400, path)
    name = path.rpartition(".")[2]
    assert answer.json()["error"].startswith(f"'{name}' belongs elsewhere in a request")


ROW = json.dumps(GOOD)
BAD_BYTES = {
    "nothing": b"",
    "not JSON": b"hello",
    "half a body": b'{"rows": [{"carr',
    "something behind": b'{"rows": [' + ROW.encode() + b"]} x",
    "NaN": b'{"rows": [' + ROW.replace("100.5", "NaN").encode() + b"]}",
    "Infinity": b'{"rows": [' + ROW.replace("100.5", "-Infinity").encode() + b"]}",
    "an exponent too large": b'{"rows": [' + ROW.replace("100.5", "1e999").encode() + b"]}",
    "a leading zero": b'{"rows": [' + ROW.replace("100.5", "0100.5").encode() + b"]}",
    "a number of 5000 digits": b'{"rows": [' + ROW.replace("9", "9" * 5000, 1).encode() + b"]}",
    "bytes that are not UTF-8": b'{"rows": [' + ROW.encode().replace(b"UA", b"\xff\xfe") + b"]}",
    "half a surrogate pair": b'{"rows": [' + ROW.replace("UA", "\\ud800").encode() + b"]}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"rows": []}'.encode("utf-16"),
    "deep nesting": b'{"rows": ' + b"[" * 200_000,
    "deep nesting in an unknown member": b'{"x": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001,
    "a field twice": b'{"rows": [' + ROW.replace('"hour"', '"hour": 8, "hour"').encode() + b"]}",
    "a field twice, once escaped": b'{"rows": ['
    + ROW.replace('"hour"', '"h\\u006fur": 8, "hour"').encode()
    + b"]}",
    "rows twice": b'{"rows": [], "rows": [' + ROW.encode() + b"]}",
    "a comment": b'{"rows": [' + ROW.encode() + b"] /* x */}",
    "a comma too many": b'{"rows": [' + ROW.encode() + b",]}",
    "a null byte": b'{"rows": [' + ROW.encode() + b"]}\0",
}


@pytest.mark.parametrize("case", BAD_BYTES)
@pytest.mark.parametrize("path", ["/predict", "/v2/models/toy/infer"])
def test_bytes_that_mean_nothing_or_two_things_are_refused(columns_server, case, path):
    """400 with an error object."""
    answer = columns_server.post(BAD_BYTES[case], path=path)

    assert answer.status_code == 400
    assert set(answer.json()) <= {"error", "code", "path"}


@pytest.mark.parametrize("value", [b'"UA\xa5"', b"9" * 5000, b"[" * 5000 + b"]" * 5000])
def test_names_that_occur_twice_are_refused_whatever_is_beside_them(columns_server, value):
    """The data of a tensor is read after its names, so that it may be anything yet."""
    body = (
        b'{"inputs": [{"name": "hour", "name": "hour", "shape": [1], "datatype": "INT64", "data": '
    )
    answer = columns_server.post(body + value + b"}]}", path="/v2/models/toy/infer")

    assert answer.status_code == 400
    assert answer.json()["code"] in ("malformed_json", "repeated_field")


@pytest.mark.parametrize("path", ["/predict", "/v2/models/toy/infer"])
def test_megabytes_of_a_name_are_refused_in_a_few_words(columns_server, path):
    """What the client sent is not sent back."""
    long = "x" * 8_000_000
    bodies = [
        {"rows": [{**GOOD, long: 1}]},
        {"rows": [GOOD], long: 1},
        tensors(hour={"name": long}),
        {**tensors(), "outputs": [{"name": long}]},
    ]

    for body in bodies:
        answer = columns_server.post(body, path=path)
        assert answer.status_code == 400
        assert len(answer.content) < 2000


def test_escapes_and_spaces_alone_are_no_fault(columns_server):
    """What looks like a repeated name to a quick count is read with care."""
    row = ROW.replace("carrier", "c\\u0061rrier").replace('"UA"', '"\\"\\u0055A\\""')

    answer = columns_server.post(f' {{ "rows" : [ {row} ] }} '.encode())

    assert answer.status_code == 200
    assert answer.json()["flags"] == {"0": ["carrier"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json", "content-encoding": "br"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "APPLICATION/JSON"}, 200),
        ({"x-request-id": "x" * 129}, 400),
        ({"x-sealift-generation": "no number"}, 200),
    ],
)
def test_headers_are_judged(columns_server, headers, status):
    """415 for what is not plain JSON; a bad generation is no reason to refuse."""
    assert columns_server.post({"rows": [GOOD]}, **headers).status_code == status


def test_paths_and_methods_are_judged(columns_server):
    """404 for what is not there, 405 with Allow for what is there but otherwise."""
    client = columns_server.client

    for path in ("/", "/nothing", "/v2/models", "/v2/models/other", "/v2/models/toy/versions/9"):
        answer = client.get(path)
        assert (answer.status_code, set(answer.json())) == (404, {"error", "code"})
    for method, path, allowed in (
        ("GET", "/predict", "POST"),
        ("DELETE", "/predict", "POST"),
        ("POST", "/v2/health/ready", "GET, HEAD"),
        ("HEAD", "/predict", "POST"),
        ("PUT", "/v2/models/toy/infer", "POST"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path", ["/v2/health/live", "/v2/health/ready", "/v2", "/v2/models/toy", "/docs", "/nothing"]
)
def test_head_has_the_answer_to_get_without_its_body(columns_server, path):
    """As RFC 9110 wants, and as probes of load balancers ask; the connection goes on."""
    client = columns_server.client
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


def test_a_body_over_the_limit_is_refused_from_its_header_and_while_it_is_read(
    tensor_folder, tmp_path
):
    """413 both ways, and the next request is answered."""

    def pieces():
        for _ in range(200):
            yield b" " * 1000

    with Running(tensor_folder, tmp_path / "log", SEALIFT_MAX_BODY="100000") as server:
        server.ready()
        assert server.post(b" " * 100_001).status_code == 413
        try:
            status = httpx.post(
                f"{server.url}/predict",
                content=pieces(),
                headers={"content-type": "application/json"},
            ).status_code
        except httpx.WriteError:  # the answer came, and the connection ended, before the last piece
            status = 413
        assert status == 413
        assert server.post({"rows": [{"a": 0.1, "b": 0, "c": -1}]}).status_code == 200


def tensors(**changes):
    """A protocol request for one row, with changes to the input named by the key."""
    kinds = {"carrier": "BYTES", "hour": "INT64", "distance": "FP32", "holiday": "BOOL"}
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kind, "data": [GOOD[name]]}
            | changes.get(name, {})
            for name, kind in kinds.items()
        ]
    }


BAD_TENSORS = {
    "another datatype": ({"hour": {"datatype": "INT32"}}, "wrong_type", "inputs[1].datatype"),
    "a datatype that is none": ({"hour": {"datatype": "BF16"}}, "wrong_type", "inputs[1].datatype"),
    "more values than the shape": ({"hour": {"data": [1, 2]}}, "shape", "inputs[1].data"),
    "fewer values than the shape": ({"hour": {"data": []}}, "shape", "inputs[1].data"),
    "a negative dimension": ({"hour": {"shape": [-1]}}, "out_of_range", "inputs[1].shape[0]"),
    "a huge dimension": ({"hour": {"shape": [10**30]}}, "length", "inputs[1].shape"),
    "a dimension that is no number": (
        {"hour": {"shape": [True]}},
        "wrong_type",
        "inputs[1].shape[0]",
    ),
    "three dimensions": ({"hour": {"shape": [1, 1, 1]}}, "shape", "inputs[1].shape"),
    "no dimension": ({"hour": {"shape": []}}, "shape", "inputs[1].shape"),
    "two columns": ({"hour": {"shape": [1, 2], "data": [1, 2]}}, "shape", "inputs[1].shape"),
    "ragged rows": (
        {"hour": {"shape": [2, 1], "data": [[1], [2, 3]]}},
        "shape",
        "inputs[1].data[1]",
    ),
    "nesting of a flat shape": ({"hour": {"data": [[9]]}}, "shape", "inputs[1].data"),
    "nesting that is too deep": (
        {"hour": {"shape": [1, 1], "data": [[[9]]]}},
        "wrong_type",
        "inputs[1].data[0][0]",
    ),
    "flat and nested at once": (
        {"hour": {"shape": [2, 1], "data": [[1], 2]}},
        "wrong_type",
        "inputs[1].data[1]",
    ),
    "no data": ({"hour": {"data": None}}, "wrong_type", "inputs[1].data"),
    "null where none is allowed": ({"hour": {"data": [None]}}, "wrong_type", "inputs[1].data[0]"),
    "a truth for a number": ({"hour": {"data": [True]}}, "wrong_type", "inputs[1].data[0]"),
    "a point in a whole number": ({"hour": {"data": [9.0]}}, "wrong_type", "inputs[1].data[0]"),
    "a number out of range": ({"hour": {"data": [10**6]}}, "out_of_range", "inputs[1].data[0]"),
    "a number beyond the datatype": (
        {"distance": {"data": [10**39]}},
        "out_of_range",
        "inputs[2].data[0]",
    ),
    "a nested number out of range": (
        {"hour": {"shape": [1, 1], "data": [[10**6]]}},
        "out_of_range",
        "inputs[1].data[0][0]",
    ),
    "an unknown input": ({"hour": {"name": "huor"}}, "unknown_field", "inputs[1].name"),
    "an input twice": ({"hour": {"name": "carrier"}}, "repeated_field", "inputs[1].name"),
    "different numbers of rows": (
        {"hour": {"shape": [2], "data": [1, 2]}},
        "shape",
        "inputs[0].shape",
    ),
    "an unknown member": ({"hour": {"dtype": "x"}}, "unknown_field", "inputs[1].dtype"),
    "a parameter that is a list": (
        {"hour": {"parameters": {"a": []}}},
        "wrong_type",
        "inputs[1].parameters.a",
    ),
}


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_a_bad_tensor_is_refused_with_its_path(columns_server, case):
    """400, a slug, and the path in the client's own request."""
    changes, code, path = BAD_TENSORS[case]

    answer = columns_server.post(tensors(**changes), path="/v2/models/toy/infer")

    assert answer.status_code == 400, answer.text
    assert (answer.json()["code"], answer.json()["path"]) == (code, path)


def test_a_bad_value_in_a_tensor_names_the_field(tensor_server):
    """Where one tensor holds all fields, the sentence says which one it is."""
    body = {"inputs": [{"name": "X", "shape": [2, 3], "datatype": "FP32", "data": [0] * 6}]}
    body["inputs"][0]["data"][4] = 1e6

    answer = tensor_server.post(body, path="/v2/models/toy/infer").json()

    assert answer["path"] == "inputs[0].data[4]"
    assert answer["error"].startswith("'b' must be at most")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"inputs": []}, "missing_field"),
        ({**tensors(), "outputs": [{"name": "dealy"}]}, "unknown_output"),
        ({**tensors(), "outputs": [{"name": "delay"}, {"name": "delay"}]}, "repeated_field"),
        ({**tensors(), "id": "x" * 129}, "length"),
        ({**tensors(), "parameters": {"timeout": -1}}, "wrong_type"),
        ({**tensors(), "parameters": {"timeout": 2**64}}, "wrong_type"),
        ({**tensors(), "parameters": {"timeout": 10**400}}, "wrong_type"),
        (
            tensors(
                **{name: {"shape": [4097], "data": [value] * 4097} for name, value in GOOD.items()}
            ),
            "length",
        ),
        (tensors(**{name: {"shape": [0], "data": []} for name in GOOD}), "length"),
    ],
)
def test_a_bad_protocol_request_is_refused(columns_server, body, code):
    """400 with the slug."""
    answer = columns_server.post(body, path="/v2/models/toy/infer")

    assert (answer.status_code, answer.json()["code"]) == (400, code)


TEXT = json.dumps({"rows": [GOOD, GOOD]})


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (TEXT.replace("100.5", "NaN", 1), "rows[0].distance", "is NaN, which JSON does not have"),
        (TEXT[::-1].replace("5.001", "ytinifnI-", 1)[::-1], "rows[1].distance", "is -Infinity"),
        (TEXT.replace('"hour"', '"hour": 9, "hour"', 1), "rows[0].hour", "occurs twice"),
        ("", None, "The body is empty."),
        (TEXT[:-1], None, "it ends at byte 143, before it is complete"),
    ],
)
def test_what_json_does_not_have_is_named_with_its_path(columns_server, text, path, words):
    """Python writes NaN and Infinity; null is said to stand for no value."""
    answer = columns_server.post(text.encode())
    assert answer.status_code == 400
    assert answer.json().get("path") == path
    assert words in answer.json()["error"]


@pytest.mark.parametrize("place", ["", "inputs[0].", "outputs[0]."])
def test_a_parameter_that_is_no_plain_value_is_named(columns_server, place):
    """Of the request, of an input and of an output."""
    tensor = {"name": "hour", "shape": [1], "datatype": "INT64", "data": [9]}
    body = {"inputs": [tensor], "outputs": [{"name": "delay"}]}
    holder = body[place.partition("[")[0]][0] if place else body
    holder["parameters"] = {"fine": 1, "deep": {"a": 1}}
    answer = columns_server.post(body, path="/v2/models/toy/infer")
    assert (answer.status_code, answer.json()["path"]) == (400, f"{place}parameters.deep")
    assert answer.json()["error"].startswith(f"'{place}parameters.deep' must be true or false")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 4301, "-" + "9" * 4300])
def test_a_parameter_that_is_too_large_a_number_is_named(columns_server, number):
    """Not only its object, and not one beside it."""
    large = "9" * 4300
    text = f'{{"inputs": [], "parameters": {{"fine": {large}, "timeout": NUMBER, "deep": []}}}}'
    answer = columns_server.post(
        text.replace("NUMBER", number).encode(), path="/v2/models/toy/infer"
    )

    assert (answer.status_code, answer.json()["path"]) == (400, "parameters.timeout")
    assert answer.json()["error"] == "'parameters.timeout' is too large a number."


def test_a_tensor_with_a_number_that_json_does_not_have_is_named_with_its_path(columns_server):
    """In the protocol as in rows by name."""
    body = {"inputs": [{"name": "distance", "shape": [2], "datatype": "FP32", "data": [1.0, 7e77]}]}
    answer = columns_server.post(
        json.dumps(body).replace("7e+77", "Infinity").encode(), path="/v2/models/toy/infer"
    )
    assert (answer.status_code, answer.json()["path"]) == (400, "inputs[0].data[1]")
    assert "is Infinity, which JSON does not have" in answer.json()["error"]
