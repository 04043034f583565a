"""Tensors in binary, in and out: the same answers as JSON, the same contract, no copies."""

import struct

import numpy as np
import pytest
import toy_peers as peers
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_running import Running, build
from toy_wire import packed, request, taken, tensor

from sealift.serve import bfloat16, messages
from sealift.serve.binary import numbers
from sealift.serve.binary import packed as wired

ROWS = [[0.5, 1.0, -1.5], [0.0, 0.25, 1.0]]
ANSWERS = [-3.0, 2.6875]


def one_tensor(server, rows, **more):
    """Rows of the model with one tensor, in binary."""
    blob = packed(rows, "f4")
    return request(server, {"inputs": [tensor("X", [len(rows), 3], "FP32", blob)], **more}, [blob])


def test_binary_tensors_come_in_and_go_out(tensor_server):
    """Everything binary: the JSON tells sizes, the bytes follow it, the length is in a header."""
    answer = one_tensor(tensor_server, ROWS, id="b", parameters={"binary_data_output": True})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    message, blobs = taken(answer)
    assert message == {
        "model_name": "toy",
        "model_version": "3",
        "id": "b",
        "outputs": [
            {
                "name": "y",
                "shape": [2, 1],
                "datatype": "FP32",
                "parameters": {"binary_data_size": 8},
            }
        ],
    }
    assert np.frombuffer(blobs["y"], "<f4").tolist() == ANSWERS


def test_json_and_binary_may_be_mixed(simple_server):
    """One input of each kind, one output of each kind: the output's own wish wins."""
    left, right = list(range(16)), [-1] * 16
    blob = packed(right, "i4")
    message = {
        "inputs": [
            {"name": "INPUT0", "shape": [1, 16], "datatype": "INT32", "data": [left]},
            tensor("INPUT1", [1, 16], "INT32", blob),
        ],
        "outputs": [
            {"name": "OUTPUT1", "parameters": {"binary_data": False}},
            {"name": "OUTPUT0"},
        ],
        "parameters": {"binary_data_output": True},
    }

    told, blobs = taken(request(simple_server, message, [blob], model="simple"))

    assert [output["name"] for output in told["outputs"]] == ["OUTPUT1", "OUTPUT0"]
    assert told["outputs"][0]["data"] == [value + 1 for value in left]
    assert np.frombuffer(blobs["OUTPUT0"], "<i4").tolist() == [value - 1 for value in left]


@pytest.mark.parametrize("text", ["he\0llo", "\0\1\2\3", "äöü€", ""])
def test_texts_travel_with_their_lengths(texts_server, text):
    """Zero bytes, several bytes a character, and no character at all."""
    blob = packed([text] * 16, "BYTES")
    message = {
        "inputs": [tensor("INPUT0", [1, 16], "BYTES", blob)],
        "parameters": {"binary_data_output": True},
    }

    _, blobs = taken(request(texts_server, message, [blob], model="simple_identity"))

    assert blobs["OUTPUT0"] == blob


@pytest.mark.parametrize("kind", [*peers.KINDS])
def test_every_datatype_is_served(tmp_path, kind):
    """Binary in and out gives the same bytes, named rows the same number; JSON where it can."""
    folder = build(tmp_path, peers.kind_model(kind), peers.kind_table(kind), target="y")
    values = [0, 1, 1] if kind == "BOOL" else [0, 2, 100]
    plain = np.array(values, np.float32)
    dtype = {"BOOL": "?", "FP": "f", "INT": "i", "UINT": "u"}
    letters = kind.rstrip("0123456789")
    if kind == "BF16":
        blob = bfloat16.packed(plain).tobytes()
    else:
        size = "" if kind == "BOOL" else str(int(kind[len(letters) :]) // 8)
        blob = plain.astype(dtype[letters] + size).tobytes()
    shape = [3, 1]
    with Running(folder, tmp_path / "log", SEALIFT_DRAIN="0") as server:
        server.ready()
        wish = {"parameters": {"binary_data_output": True}}
        message = {"inputs": [tensor("X", shape, kind, blob)], **wish}
        _, blobs = taken(request(server, message, [blob]))
        named = server.post(
            {"rows": [{"X": bool(one) if kind == "BOOL" else one} for one in values]}
        )
        data = [bool(one) if kind == "BOOL" else one for one in values]
        json_in = {"inputs": [{"name": "X", "shape": shape, "datatype": kind, "data": data}]}
        answer = server.post(json_in, path="/v2/models/toy/infer")
        asked = request(server, {"inputs": [tensor("X", shape, kind, blob)]}, [blob])

    assert blobs["same"] == blob
    assert np.frombuffer(blobs["double"], "<f4").tolist() == (plain * 2).tolist()
    assert named.json()["predictions"] == (plain * 2).tolist()
    if kind in ("FP16", "BF16"):
        assert (answer.status_code, answer.json()["code"]) == (400, "binary_only")
        assert (asked.status_code, asked.json()["path"]) == (400, "parameters.binary_data_output")
    else:
        assert answer.json()["outputs"][1]["data"] == data
        assert asked.json() == {**answer.json(), "id": asked.json()["id"]}


def test_a_raw_request_is_the_bytes_of_the_only_input(tensor_server):
    """A header of 0: no JSON; as many rows as the bytes hold, all outputs binary."""
    answer = tensor_server.post(
        packed(ROWS, "f4"),
        path="/v2/models/toy/infer",
        **{
            "content-type": "application/octet-stream",
            "inference-header-content-length": "0",
            "x-request-id": "raw-1",
        },
    )

    message, blobs = taken(answer)
    assert message["id"] == answer.headers["x-request-id"] == "raw-1"
    assert np.frombuffer(blobs["y"], "<f4").tolist() == ANSWERS


RAW = {"content-type": "application/octet-stream", "inference-header-content-length": "0"}


@pytest.mark.parametrize(
    ("model", "body", "code"),
    [
        ("tensor_server", b"12345", "raw_request"),
        ("tensor_server", b"", "length"),
        ("tensor_server", packed([1e30, 0, 0], "f4"), "out_of_range"),
        ("columns_server", packed([1, 2, 3], "f4"), "raw_request"),
        ("texts_server", b"text", "raw_request"),
    ],
)
def test_a_bad_raw_request_is_refused(request, model, body, code):
    """Half a row, no row, values beyond the contract, several inputs, texts of several columns."""
    server = request.getfixturevalue(model)
    name = "simple_identity" if model == "texts_server" else "toy"

    answer = server.post(body, path=f"/v2/models/{name}/infer", **RAW)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def sized(size, blob=b"", length=None, **more):
    """A message whose tensor claims a size, with other bytes behind it."""
    message = {"inputs": [{**tensor("X", [1, 3], "FP32", b""), **more}]}
    message["inputs"][0]["parameters"] = {"binary_data_size": size}
    return message, blob, {} if length is None else {"inference-header-content-length": length}


BAD_SIZES = {
    "more than the body": sized(12, b"12345678"),
    "less than the body": sized(8, b"123456789012"),
    "not what the shape says": sized(8, b"12345678"),
    "no size": sized("12", b"123456789012"),
    "a truth": sized(True, b"1"),
    "below zero": sized(-1, b""),
    "data as well": sized(12, b"123456789012", data=[1, 2, 3]),
    "a header that is no number": sized(12, b"123456789012", length="x"),
    "a header below zero": sized(12, b"123456789012", length="-1"),
    "a header beyond the body": sized(12, b"123456789012", length="99999"),
    "a header of many digits": sized(12, b"123456789012", length="9" * 5000),
    "a header that cuts the JSON": sized(12, b"123456789012", length="20"),
    "an empty header": sized(12, b"123456789012", length=""),
}


@pytest.mark.parametrize("case", BAD_SIZES)
def test_sizes_that_do_not_fit_are_refused(tensor_server, case):
    """400 with an error object."""
    message, blob, headers = BAD_SIZES[case]

    answer = request(tensor_server, message, [blob], **headers)

    assert answer.status_code == 400, answer.text
    assert {"error", "code"} <= set(answer.json()) <= {"error", "code", "path"}


def test_a_size_without_the_header_is_refused(tensor_server):
    """The tensor has no bytes then, and the error says what is amiss."""
    answer = tensor_server.post(
        {"inputs": [tensor("X", [1, 3], "FP32", b"x" * 12)]}, path="/v2/models/toy/infer"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "binary_size")
    assert "Inference-Header-Content-Length" in answer.json()["error"]


@pytest.mark.parametrize(
    "blob",
    [
        struct.pack("<I", 99) + b"short",
        struct.pack("<I", 2**32 - 1),
        b"\1",
        packed(["a"] * 15, "BYTES"),
        packed(["a"] * 17, "BYTES"),
        packed([b"\xff\xfe"] * 16, "BYTES"),
        packed([b"\xed\xa0\x80"] * 16, "BYTES"),
        packed(["x" * 65] * 16, "BYTES"),
    ],
)
def test_texts_that_lie_are_refused(texts_server, blob):
    """Lengths beyond the end, too few and too many texts, bytes that are no UTF-8, too long."""
    message = {"inputs": [tensor("INPUT0", [1, 16], "BYTES", blob)]}

    answer = request(texts_server, message, [blob], model="simple_identity")

    assert answer.status_code == 400


def columns(**changed):
    """A binary request for two rows of the model with one input a column."""
    values = {
        "carrier": ("BYTES", ["UA", "AA"]),
        "hour": ("INT64", [9, 10]),
        "distance": ("FP32", [100.0, 200.0]),
        "holiday": ("BOOL", [0, 1]),
        **changed,
    }
    kinds = {"INT64": "i8", "FP32": "f4", "BOOL": "u1", "BYTES": "BYTES"}
    blobs = [packed(column, kinds[kind]) for kind, column in values.values()]
    inputs = [
        tensor(name, [2, 1], kind, blob)
        for (name, (kind, _)), blob in zip(values.items(), blobs, strict=True)
    ]
    return {"inputs": inputs}, blobs


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"hour": ("INT64", [9, 99])}, "out_of_range", "inputs[1].data[1]"),
        ({"hour": ("INT64", [-(2**63), 9])}, "out_of_range", "inputs[1].data[0]"),
        ({"distance": ("FP32", [1.0, 5001.0])}, "out_of_range", "inputs[2].data[1]"),
        ({"distance": ("FP32", [np.inf, 1.0])}, "out_of_range", "inputs[2].data[0]"),
        ({"distance": ("FP32", [-np.inf, 1.0])}, "out_of_range", "inputs[2].data[0]"),
        ({"carrier": ("BYTES", ["UA", "x" * 65])}, "length", "inputs[0].data[1]"),
        ({"holiday": ("BOOL", [0, 2])}, "wrong_type", "inputs[3].data"),
    ],
)
def test_the_contract_holds_for_binary_tensors(columns_server, changed, code, path):
    """The same bounds as for JSON; infinities are beyond every bound."""
    answer = request(columns_server, *columns(**changed))

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["path"] == path


def test_nan_is_no_value_in_a_binary_tensor(columns_server, tensor_server):
    """As null in JSON: answered where the contract allows it, refused where not."""
    answer = request(columns_server, *columns(distance=("FP32", [np.nan, 200.0])))
    refused = one_tensor(tensor_server, [[0.5, np.nan, 1.0]])

    assert answer.json()["outputs"][0]["data"] == [31.0, 28.0]
    assert refused.json()["code"] == "wrong_type"
    assert refused.json()["error"] == "'b' must be a number, not null or NaN."
    assert refused.json()["path"] == "inputs[0].data[1]"


def test_binary_tensors_are_flagged_and_recorded_like_rows(columns_server):
    """What was never seen, by row; and the log holds rows as clients would write them."""
    message, blobs = columns(
        carrier=("BYTES", ["UA", "new"]),
        hour=("INT64", [30, 9]),
        distance=("FP32", [np.nan, 4800.5]),
    )
    named = [
        {"carrier": "UA", "hour": 30, "distance": None, "holiday": False},
        {"carrier": "new", "hour": 9, "distance": 4800.5, "holiday": True},
    ]

    answer = request(columns_server, {**message, "id": "flagged"}, blobs).json()
    same = columns_server.post({"id": "named", "rows": named}).json()

    assert messages_of(answer) == same["flags"] == {"0": ["hour"], "1": ["distance", "carrier"]}
    assert answer["outputs"][0]["data"] == same["predictions"]
    records = columns_server.log.parent / "records"

    def logged(name):
        lines = [line for path in records.glob("*.jsonl") for line in path.read_text().splitlines()]
        return [line for line in lines if f'"{name}/' in line]

    columns_server.wait_for(lambda: len(logged("flagged")) == len(logged("named")) == 2)
    by_tensor, by_name = (
        [line[line.index('"inputs"') :] for line in logged(name)] for name in ("flagged", "named")
    )
    assert by_tensor == by_name


def messages_of(answer):
    """The flags of a protocol answer."""
    return messages.msgspec.json.decode(answer["parameters"]["flags"])


def test_numbers_that_are_not_finite_leave_as_they_are_in_binary(tmp_path):
    """JSON has null for them; binary tensors hold them."""

    def model(path):
        peers.models.save(
            path,
            [peers.helper.make_node("Log", ["X"], ["y"])],
            [("X", peers.TensorProto.FLOAT, ["N", 1])],
            [("y", peers.TensorProto.FLOAT, ["N", 1])],
            [],
        )

    def table(path):
        path.write_text("X,y\n" + "1,0\n2,1\n3,1\n" * 3)

    rules = {"X": {"minimum": -5}}
    folder = build(tmp_path, model, table, target="y", fields=rules)
    blob = packed([[0.0], [-1.0], [1.0]], "f4")
    message = {"inputs": [tensor("X", [3, 1], "FP32", blob)]}
    with Running(folder, tmp_path / "log", SEALIFT_DRAIN="0") as server:
        server.ready()
        as_json = request(server, message, [blob])
        wish = {"parameters": {"binary_data_output": True}}
        _, blobs = taken(request(server, {**message, **wish}, [blob]))

    assert as_json.json()["outputs"][0]["data"] == [None, None, 0.0]
    assert str(np.frombuffer(blobs["y"], "<f4").tolist()) == "[-inf, nan, 0.0]"


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.floats(width=32, allow_nan=False) | st.floats(-4, 4, width=32),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=100,
    )
)
def test_rows_and_columns_are_judged_alike(tensor_server, rows):
    """Few values in JSON, many in JSON, binary ones, and named rows: one verdict, one answer."""
    flat = [value for row in rows for value in row]
    bounded = [value if np.isfinite(value) else 1e38 * (1 if value > 0 else -1) for value in flat]
    rows = [bounded[start : start + 3] for start in range(0, len(bounded), 3)]
    named = tensor_server.post({"rows": [dict(zip("abc", row, strict=True)) for row in rows]})
    by_json = tensor_server.post(
        {"inputs": [{"name": "X", "shape": [len(rows), 3], "datatype": "FP32", "data": bounded}]},
        path="/v2/models/toy/infer",
    )
    by_bytes = one_tensor(tensor_server, rows)

    assert named.status_code == by_json.status_code == by_bytes.status_code
    if named.status_code == 200:
        data = named.json()["predictions"]
        assert by_json.json()["outputs"][0]["data"] == data
        assert by_bytes.json()["outputs"][0]["data"] == data
        flags = named.json().get("flags")
        for answer in (by_json.json(), by_bytes.json()):
            assert ("parameters" in answer) == (flags is not None)
            assert flags is None or messages_of(answer) == flags
    else:
        assert by_json.json()["path"] == by_bytes.json()["path"]
        assert named.json()["code"] == by_json.json()["code"] == by_bytes.json()["code"]


def test_the_payload_is_not_copied():
    """What the model is given lies in the bytes of the body; what it gave lies in its memory."""
    blob = packed([[1.0, 2.0]], "f4")
    message = b'{"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "parameters": '
    message += b'{"binary_data_size": 8}}]}'
    message += b" " * (-len(message) % 16)
    body = message + blob

    _, blobs = messages.read(body, str(len(message)))
    array = numbers(blobs[0], "FP32", "")

    whole = np.frombuffer(body, np.uint8)
    assert np.shares_memory(array, whole)
    output = np.ones((2, 2), np.float32)
    assert np.shares_memory(np.frombuffer(wired(output, "FP32"), np.uint8), output)


def test_elements_that_lie_askew_are_copied_once():
    """Else everybody who reads them would copy them again, piece by piece."""
    blob = b"x" + packed([[1.0, 2.0]], "f8")

    array = numbers(memoryview(blob)[1:], "FP64", "")

    assert array.flags.aligned
    assert array.tolist() == [1.0, 2.0]
