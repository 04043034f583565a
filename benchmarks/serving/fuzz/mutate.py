"""Damage that knows the structure: values in the tree, bytes, headers, lengths, compression."""

from __future__ import annotations

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from benchmarks.serving.fuzz.seeds import GOOD, KINDS, Seed

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 9, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5,
    1e308, -1e-320, float("nan"), float("inf"), "", "UA", "9", "\0", "\ud800", "é" * 40, "a" * 5000,
    [], {}, [[]], [None], [1, "a", None], {"a": {"b": [1]}}, *GOOD.values(), *KINDS.values(),
    "FP16", "BF16", "FP64", "UINT64", "INT8",
]  # fmt: skip
NAMES = [*GOOD, "rows", "id", "inputs", "outputs", "shape", "data", "datatype", "name",
    "parameters", "binary_data_size", "binary_data", "classification", "timeout", "priority",
    "sequence_id", "", "\0", "Hour"]  # fmt: skip
HEADERS = ["accept", "accept-encoding", "content-encoding", "content-type", "traceparent",
    "x-request-id", "x-sealift-generation", "x-sealift-timeout", "tracestate", "expect",
    "inference-header-content-length", "x-unknown"]  # fmt: skip
WORDS = ["", "*/*", "gzip", "gzip, deflate", "identity", "br", "text/csv", "application/json",
    "application/octet-stream", "application/jsonl; charset=x", "0", "-1", "9" * 400, "1e309",
    "nan", "0.0001",
    "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "a" * 3000, "\xff\xfe", "q=;,,;"]  # fmt: skip
DEEP = (2, 50, 1200, 30_000)


class Mutator:
    """Makes damaged requests from good ones, the same ones from the same number."""

    def __init__(self, start: int, seeds: list[Seed]) -> None:
        self._dice = random.Random(start)  # noqa: S311  so that a run can be repeated
        self._seeds = seeds

    def next(self) -> Seed:
        """A request with one to three faults, most of them in its content."""
        dice = self._dice
        seed = dice.choice(self._seeds)
        headers, body = dict(seed.headers), seed.body
        if seed.tree is not None and dice.random() < 0.7:
            body = self._tree(seed)
        for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
            body = dice.choice(DAMAGES)(body, dice)
        if "content-encoding" not in headers and dice.random() < 0.08:
            name = dice.choice(("gzip", "deflate"))
            body = gzip.compress(body, 1, mtime=0) if name == "gzip" else zlib.compress(body, 1)
            headers["content-encoding"] = name
        if dice.random() < 0.15:
            headers[dice.choice(HEADERS)] = dice.choice(WORDS)
        if "inference-header-content-length" in headers and dice.random() < 0.2:
            headers["inference-header-content-length"] = str(dice.randint(-3, len(body) + 3))
        return Seed(seed.path, headers, body)

    def _tree(self, seed: Seed) -> bytes:
        tree = json.loads(json.dumps(seed.tree))
        for _ in range(self._dice.choice((1, 1, 2, 3))):
            tree = self._changed(tree)
        text = json.dumps(tree, ensure_ascii=self._dice.random() < 0.5)
        if self._dice.random() < 0.03:
            text = text.replace("{", '{"id": "x", ', 1)
        return text.encode(errors="surrogatepass")

    def _changed(self, node: Any) -> Any:
        dice = self._dice
        inner = isinstance(node, dict | list) and node
        if inner and dice.random() < 0.8:
            key = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
            node[key] = self._changed(node[key])
            return node
        change = dice.random()
        if isinstance(node, dict) and change < 0.6:
            return self._members(node)
        if isinstance(node, list) and change < 0.5:
            return copy.deepcopy([*node, *dice.choices([*node, *ODD], k=dice.choice((1, 2, 40)))])
        if change < 0.97:
            return copy.deepcopy(dice.choice(ODD))
        return {"rows": node, "data": [node]}

    def _members(self, node: dict[str, Any]) -> dict[str, Any]:
        if node and self._dice.random() < 0.5:
            del node[self._dice.choice(list(node))]
        else:
            node[self._dice.choice(NAMES)] = copy.deepcopy(self._dice.choice(ODD))
        return node


def flip(body: bytes, dice: random.Random) -> bytes:
    """One bit the other way."""
    found = bytearray(body or b"x")
    found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
    return bytes(found)


def cut(body: bytes, dice: random.Random) -> bytes:
    """Some bytes gone."""
    place = dice.randrange(len(body) + 1)
    return body[:place] + body[place + dice.choice((1, 2, 9, 10_000)) :]


def doubled(body: bytes, dice: random.Random) -> bytes:
    """Some bytes twice."""
    place = dice.randrange(len(body) + 1)
    return body[:place] + body[max(0, place - dice.choice((1, 2, 9, 60))) :]


def strewn(body: bytes, dice: random.Random) -> bytes:
    """Other bytes put in."""
    place = dice.randrange(len(body) + 1)
    return body[:place] + dice.randbytes(dice.randint(1, 12)) + body[place:]


def marked(body: bytes, dice: random.Random) -> bytes:
    """A sign that means something put in."""
    place = dice.randrange(len(body) + 1)
    return body[:place] + dice.choice(SIGNS) + body[place:]


def deep(_body: bytes, dice: random.Random) -> bytes:
    """Nested without an end."""
    depth, sign = dice.choice(DEEP), dice.choice((b"[", b'{"a":', b'{"rows":[', b'{"inputs":['))
    return sign * depth


DAMAGES: list[Callable[[bytes, random.Random], bytes]] = [
    *[flip, cut, doubled, strewn, marked] * 20,
    deep,
]
SIGNS = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\0", b"-", b"1e999",
    b"\xef\xbb\xbf", b"\xff",
    b"\\ud800", b"NaN", b"Infinity", b"null", b'""', b"0x1", b"//", b"9" * 5000,
    b'"id": "a", ']  # fmt: skip

__all__ = ["DAMAGES", "Mutator"]
