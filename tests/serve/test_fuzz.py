"""No input whatever causes a 5xx, a hang or a crash."""

import json
import random
import socket

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
