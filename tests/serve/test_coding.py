"""Compressed bodies, both ways, within bounds."""

import gzip
import json
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from toy_running import Running
from toy_wire import packed, tensor

from sealift.serve import coding
from sealift.serve.refusal import RefusalError

ROW = {"a": 0.5, "b": 1.0, "c": -1.5}
BODY = json.dumps({"rows": [ROW]}).encode()


def raw_deflate(body):
    """Deflate without zlib's header, as some clients send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "GZIP": ("GZIP", gzip.compress),
    "two members": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "identity": ("identity", bytes),
}


@pytest.mark.parametrize("case", PACKERS)
def test_a_compressed_body_is_understood(tensor_server, case):
    """The answer is that to the plain body."""
    name, pack = PACKERS[case]

    answer = tensor_server.post(pack(BODY), **{"content-encoding": name})

    assert (answer.status_code, answer.json()["predictions"]) == (200, [-3.0])


def test_lengths_of_binary_tensors_are_those_of_the_plain_body(tensor_server):
    """As the extension has it: first inflate, then cut."""
    blob = packed([[0.5, 1.0, -1.5]], "f4")
    text = json.dumps({"inputs": [tensor("X", [1, 3], "FP32", blob)]}).encode()

    answer = tensor_server.post(
        gzip.compress(text + blob),
        path="/v2/models/toy/infer",
        **{"content-encoding": "gzip", "inference-header-content-length": str(len(text))},
    )

    assert answer.json()["outputs"][0]["data"] == [-3.0]


DAMAGED = {
    "nothing": b"",
    "not compressed": b"not compressed at all",
    "cut off": gzip.compress(BODY)[:-9],
    "a head alone": gzip.compress(BODY)[:5],
    "something behind": gzip.compress(BODY) + b"rubbish behind",
    "a wrong length": gzip.compress(BODY)[:-4] + b"\0\0\0\0",
    "cut off deflate": zlib.compress(BODY)[:-1],
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_a_damaged_body_is_refused(tensor_server, case, name):
    """400 with an error object."""
    answer = tensor_server.post(DAMAGED[case], **{"content-encoding": name})

    assert answer.status_code == 400
    assert answer.json()["code"] in ("malformed_coding", "malformed_json")


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_is_refused_without_growing(layers):
    """96 megabytes of zeros, alone or in many members: 413 at the bound."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(96 // layers)) + packer.flush()
    bomb *= layers
    tracemalloc.start()
    try:
        with pytest.raises(RefusalError) as refusal:
            coding.inflated(bomb, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refusal.value.status == 413
    assert peak < 8 << 20


def test_a_bomb_gets_413_from_the_server(tensor_folder, tmp_path):
    """And the next request is answered."""
    bomb = gzip.compress(bytes(50_000_000))
    with Running(tensor_folder, tmp_path / "log", SEALIFT_MAX_BODY="1000000") as server:
        server.ready()
        answers = [server.post(bomb, **{"content-encoding": "gzip"}) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {413}
        assert server.post({"rows": [ROW]}).status_code == 200


@pytest.mark.parametrize(
    ("wish", "coding_used"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("br, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
        ("", None),
    ],
)
def test_long_answers_are_compressed_as_the_client_likes(tensor_server, wish, coding_used):
    """With Vary, so that caches keep the forms apart; short answers never are."""
    long = tensor_server.post({"rows": [ROW] * 500}, **{"accept-encoding": wish})
    short = tensor_server.post({"rows": [ROW]}, **{"accept-encoding": wish})

    assert long.headers.get("content-encoding") == coding_used
    assert long.headers["vary"] == "accept-encoding"
    assert long.json()["predictions"] == [-3.0] * 500
    assert "content-encoding" not in short.headers


def test_compressed_bodies_take_the_room_that_they_need(tensor_folder, tmp_path):
    """Many at once are answered though each could have become as large as the bound."""
    body = gzip.compress(json.dumps({"rows": [ROW] * 4000}).encode() + b" " * 400_000)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    with Running(
        tensor_folder,
        tmp_path / "log",
        SEALIFT_MAX_BODY="16000000",
        SEALIFT_MAX_BODIES="16000000",
    ) as server:
        server.ready()

        def ask(_):
            with server.client_of() as client:
                return client.post("/predict", content=body, headers=headers).status_code

        with ThreadPoolExecutor(8) as clients:
            assert set(clients.map(ask, range(24))) == {200}
        page = server.client.get("/metrics").text
        assert "sealift_body_bytes 0" in page
