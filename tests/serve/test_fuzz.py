"""No input whatever causes a 5xx, a hang or a crash."""

import gzip
import json
import random
import re
import socket
import zlib

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD = {"carrier": "UA", "hour": 9, "distance": 100.5, "holiday": False}
KINDS = {"carrier": "BYTES", "hour": "INT64", "distance": "FP32", "holiday": "BOOL"}
INFER = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": kind, "data": [GOOD[name]]}
        for name, kind in KINDS.items()
    ]
}
calm = settings(
    derandomize=True,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.sampled_from([*GOOD, "rows", "id", "inputs", "shape", "data", "datatype", "name", ""])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**300, 10**400])
    | st.floats()
    | st.text(max_size=5)
    | names
    | st.sampled_from([*GOOD.values(), *KINDS.values()])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def judge(server, path, body):
    """A 200 is a whole answer, anything else an error object; never a 5xx."""
    answer = server.post(body, path=path)
    assert answer.status_code in (200, 400), (body, answer.text)
    content = msgspec.json.decode(answer.content)
    assert ("error" in content) == (answer.status_code == 400)


@calm
@given(row=st.fixed_dictionaries({name: leaves | st.just(GOOD[name]) for name in GOOD}))
def test_any_values_in_a_row_get_an_answer_or_a_400(columns_server, row):
    """Right names, any values."""
    judge(columns_server, "/predict", {"rows": [GOOD, row]})


@calm
@given(body=values)
def test_any_json_gets_an_answer_or_a_400(columns_server, body):
    """Any value anywhere; NaN and infinities as Python spells them."""
    judge(columns_server, "/predict", json.dumps(body).encode())
    judge(columns_server, "/predict", json.dumps({"rows": [body]}).encode())
    judge(columns_server, "/v2/models/toy/infer", json.dumps(body).encode())


@calm
@given(
    place=st.integers(0, 3),
    member=st.sampled_from(["name", "shape", "datatype", "data", "parameters"]),
    value=values
    | st.lists(leaves, max_size=3)
    | st.lists(st.lists(leaves, max_size=2), max_size=2),
)
def test_any_member_of_a_tensor_gets_an_answer_or_a_400(columns_server, place, member, value):
    """A good protocol request with one member replaced."""
    body = json.loads(json.dumps(INFER))
    body["inputs"][place][member] = value

    judge(columns_server, "/v2/models/toy/infer", json.dumps(body).encode())


@pytest.mark.parametrize("path", ["/predict", "/v2/models/toy/infer"])
def test_damaged_bytes_get_an_answer_or_a_400(columns_server, path):
    """A good body with bits flipped, bytes cut out, doubled or put in."""
    dice = random.Random(5)
    good = json.dumps({"rows": [GOOD]} if path == "/predict" else INFER).encode()
    for _ in range(300):
        body = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(body))
            change = dice.randrange(4)
            if change == 0:
                body[place] ^= 1 << dice.randrange(8)
            elif change == 1:
                del body[place : place + dice.randint(1, 9)]
            elif change == 2:
                body[place:place] = body[place : place + dice.randint(1, 9)]
            else:
                body[place:place] = dice.randbytes(dice.randint(1, 3))
        judge(columns_server, path, bytes(body))


KINDS_OF_BINARY = st.sampled_from(
    [*KINDS.values(), "FP64", "FP16", "BF16", "UINT8", "INT8", "fp32", "", "X"]
)
sizes = st.integers(-1, 40) | st.sampled_from([2**31, 2**32, 2**63, 2**64, 1.5, True, None, "4"])


def sent(server, text, blob, header):
    """A body of JSON and bytes, judged."""
    answer = server.post(
        text + blob,
        path="/v2/models/toy/infer",
        **{
            "content-type": "application/octet-stream",
            "inference-header-content-length": header,
        },
    )
    assert answer.status_code in (200, 400), (text, blob, answer.text)
    if answer.status_code == 400:
        assert "error" in msgspec.json.decode(answer.content)


@calm
@given(
    tensors=st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(list(GOOD)),
                "shape": st.lists(st.integers(0, 4), max_size=3) | st.just([1]) | st.just([1, 1]),
                "datatype": KINDS_OF_BINARY,
            },
            optional={"size": sizes, "data": st.lists(leaves, max_size=2)},
        ),
        max_size=5,
    ),
    blob=st.binary(max_size=60),
    shift=st.integers(-3, 3),
)
def test_any_binary_body_gets_an_answer_or_a_400(columns_server, tensors, blob, shift):
    """Sizes, shapes and datatypes that lie, and a header that is a few bytes off."""
    inputs = []
    for tensor in tensors:
        size = tensor.pop("size", ...)
        more = {} if size is ... else {"parameters": {"binary_data_size": size}}
        inputs.append({**tensor, **more})
    text = json.dumps({"inputs": inputs}).encode()

    sent(columns_server, text, blob, str(len(text) + shift))


@calm
@given(values=st.lists(st.binary(min_size=1, max_size=8), min_size=4, max_size=4))
def test_any_bytes_of_the_right_tensors_get_an_answer_or_a_400(columns_server, values):
    """Names, shapes and datatypes are right, the bytes of the values are not."""
    width = {"BYTES": 0, "INT64": 8, "FP32": 4, "BOOL": 1}
    blobs = [
        (value * 8)[:size] if size else value
        for value, size in zip(values, (width[kind] for kind in KINDS.values()), strict=True)
    ]
    inputs = [
        {"name": name, "shape": [1], "datatype": kind, "parameters": {"binary_data_size": len(one)}}
        for (name, kind), one in zip(KINDS.items(), blobs, strict=True)
    ]
    text = json.dumps({"inputs": inputs}).encode()

    sent(columns_server, text, b"".join(blobs), str(len(text)))


@calm
@given(body=st.binary(max_size=200), header=st.text("0123456789-+x", max_size=6))
def test_any_bytes_and_any_header_get_an_answer_or_a_400(tensor_server, body, header):
    """Raw requests among them."""
    sent(tensor_server, b"", body, header)
    sent(tensor_server, b"", body, "0")


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_damaged_compressed_bodies_get_an_answer_or_a_400(columns_server, name):
    """A good compressed body with bytes changed, cut out or put in."""
    dice = random.Random(7)
    pack = gzip.compress if name == "gzip" else zlib.compress
    good = pack(json.dumps({"rows": [GOOD]}).encode())
    for _ in range(200):
        body = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(body))
            change = dice.randrange(3)
            if change == 0:
                body[place] ^= 1 << dice.randrange(8)
            elif change == 1:
                del body[place : place + dice.randint(1, 9)]
            else:
                body[place:place] = dice.randbytes(dice.randint(1, 9))
        answer = columns_server.post(bytes(body), **{"content-encoding": name})
        assert answer.status_code in (200, 400), body


@calm
@given(
    kind=st.sampled_from(["text/csv", "application/jsonl"]),
    text=st.text(
        st.sampled_from('carier,hoursdtncly0123456789.-+eE"\n\r{}[]:\0\u20ac'), max_size=80
    ),
)
def test_any_table_or_lines_get_an_answer_or_a_400(columns_server, kind, text):
    """Texts made of what tables and lines are made of, with and without a right header."""
    for body in (text, "carrier,hour,distance,holiday\n" + text):
        answer = columns_server.post(body.encode(), **{"content-type": kind})
        assert answer.status_code in (200, 400), body


@calm
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "accept",
                "accept-encoding",
                "content-encoding",
                "content-type",
                "traceparent",
                "x-request-id",
                "x-sealift-generation",
                "x-sealift-timeout",
                "inference-header-content-length",
            ]
        ),
        st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=20)
        | st.sampled_from(["*/*", "gzip;q=1", "text/csv", "9" * 400, "-0", "1e309", "nan"]),
    )
)
def test_any_headers_get_an_answer_or_a_4xx(columns_server, headers):
    """Bytes above ASCII among them."""
    for path, body in (("/predict", {"rows": [GOOD]}), ("/v2/models/toy/infer", INFER)):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = columns_server.post(body, path=path, **raw)
        assert answer.status_code in (200, 400, 408, 415), headers


def test_memory_stays_flat(columns_server):
    """After thousands of requests of all kinds the server holds no more than a few megabytes
    beyond what it held after the first."""

    def held():
        text = columns_server.client.get("/metrics").text
        return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[1])

    def burst(count):
        dice = random.Random(count)
        for _ in range(count):
            columns_server.post(dice.randbytes(2000), **{"content-encoding": "gzip"})
            columns_server.post(dice.randbytes(2000))
            columns_server.post({"rows": [GOOD] * 50}, **{"accept-encoding": "gzip"})
            columns_server.client.get(f"/v2/models/{dice.randbytes(20).hex()}")

    burst(200)
    before = held()
    burst(500)

    assert held() - before < 16 << 20


def test_damaged_http_does_not_end_the_server(columns_server):
    """Raw bytes on the socket; afterwards the server answers as ever."""
    dice = random.Random(6)
    for start in (
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST /predict HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
    ):
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", columns_server.port)) as connection:
                connection.sendall(start + dice.randbytes(200))

    assert columns_server.post({"rows": [GOOD]}).status_code == 200
    assert 'status="500"' not in columns_server.client.get("/metrics").text
