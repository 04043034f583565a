"""The Open Inference Protocol: a model's outputs become the body of an answer.

In JSON a number that is not finite is null; binary tensors hold it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from sealift.serve import binary, flagged
from sealift.serve.answer import Answer
from sealift.serve.messages import HEADER_LENGTH
from sealift.serve.predict import Result
from sealift.serve.protocol import Asked, Wanted
from sealift.serve.tensors import PIECE, Array

BINARY = "application/octet-stream"


class Encoder:
    """Writes answers for one model; ``datatypes`` are those of its outputs by name.

    ``classes`` are the labels that stand beside classified outputs of as many columns.
    """

    def __init__(self, datatypes: Mapping[str, str], classes: Sequence[str]) -> None:
        self._datatypes = datatypes
        self._classes = classes

    def answer(
        self,
        outputs: Mapping[str, Array],
        wanted: Sequence[Wanted],
        head: dict[str, Any],
        flags: dict[int, list[str]],
    ) -> tuple[bytes, int | None]:
        """The body, and the length of its JSON where binary tensors follow it.

        ``head`` holds ``model_name``, ``model_version`` and ``id``.
        """
        if flags:
            # parameters hold no objects, hence JSON in a text
            head["parameters"] = {"flags": msgspec.Raw(flagged.quoted(flags))}
        blobs: list[bytes | memoryview] = []
        head["outputs"] = [self._output(outputs[one.name], one, blobs) for one in wanted]
        body = msgspec.json.encode(head)
        if any(one.binary for one in wanted):
            return b"".join((body, *blobs)), len(body)
        return body, None

    def slow(self, outputs: Mapping[str, Array], wanted: Sequence[Wanted]) -> bool:
        """Whether an answer has so many values in JSON that a thread should write it."""
        size = 0
        for one in wanted:
            if not one.binary:
                size += outputs[one.name].size
        return size > PIECE

    def chosen(self, array: Array, wanted: Wanted) -> tuple[str, Array]:
        """What goes back for an output, its best classes where they are asked for."""
        if wanted.classes:
            return "BYTES", ranked(array, wanted.classes, self._classes)
        return self._datatypes[wanted.name], array

    def _output(
        self, array: Array, wanted: Wanted, blobs: list[bytes | memoryview]
    ) -> dict[str, Any]:
        datatype, array = self.chosen(array, wanted)
        told: dict[str, Any] = {
            "name": wanted.name,
            "shape": list(array.shape),
            "datatype": datatype,
        }
        if wanted.binary:
            blobs.append(binary.packed(array, datatype))
            told["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            values = array.reshape(-1)
            told["data"] = values.tolist() if len(values) <= PIECE else _told(values)
        return told


def _told(values: Array) -> msgspec.Raw:
    """A long list, written piece by piece, so that other threads have their turn in between."""
    places = range(0, len(values), PIECE)
    parts = [msgspec.json.encode(values[at : at + PIECE].tolist())[1:-1] for at in places]
    return msgspec.Raw(b"[%b]" % b",".join(parts))


def in_json(encoder: Encoder, asked: Asked, result: Result, head: dict[str, Any]) -> Answer:
    """The answer to a request over HTTP."""
    content, length = encoder.answer(result.outputs, asked.wanted, head, result.flags)
    if length is None:
        return Answer(200, content)
    return Answer(200, content, kind=BINARY, headers=((HEADER_LENGTH, str(length)),))


def ranked(array: Array, most: int, classes: Sequence[str]) -> Array:
    """The largest values of each row, best first, as texts: ``value:index``, or with ``:label``.

    >>> ranked(np.array([[0.25, 0.75]]), 1, ["no", "yes"]).tolist()
    [['0.75:1:yes']]
    """
    wide = array.reshape(len(array), -1)
    count = min(most, wide.shape[1])
    named = classes if len(classes) == wide.shape[1] > 1 else ()
    # sorts NaN last; the sort is stable, so that the first of equals wins
    order = np.argsort(-wide.astype(np.float64), axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(wide, order, axis=1)
    rows = [
        [
            f"{value}:{index}" + (f":{named[index]}" if named else "")
            for value, index in zip(*pair, strict=True)
        ]
        for pair in zip(values.tolist(), order.tolist(), strict=True)
    ]
    return np.array(rows, object).reshape(len(array), count)


__all__ = ["BINARY", "Encoder", "in_json", "ranked"]
