"""The input contract of a model: what a request may hold, and what comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

FieldType = Literal["float", "int", "bool", "string"]


Recorded = float | int | bool | str | list[float | int | bool | str]
"""One row of an output: a value, or all of its values in order."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One input.

    ``minimum`` and ``maximum`` bound the legal values (a value outside is refused);
    ``low`` and ``high`` are the range seen in training (a value outside is answered and flagged).
    ``categories`` are the texts seen in training; ``closed`` refuses any other.
    ``tensor`` and ``dtype`` name the model's own input and its Open Inference Protocol datatype;
    ``column`` is the position in that tensor.
    """

    name: str
    type: FieldType
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None
    closed: bool = False
    max_length: int | None = None
    tensor: str
    dtype: str
    column: int = 0


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor that comes back, or goes in; ``shape`` starts with -1, the number of rows."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs in the order of the training table, and the outputs.

    ``prediction`` names the output that is the answer to the task; ``classes`` are its labels.
    ``inputs`` are the model's own inputs as a server of others describes them; empty for Sealift's
    own, which takes each as a matrix of rows. One that no fields feed is not made of columns.
    """

    task: Literal["regression", "classification", "other"]
    target: str
    fields: tuple[Field, ...]
    outputs: tuple[Output, ...]
    prediction: str
    classes: tuple[str, ...] = ()
    max_rows: int = 4096
    inputs: tuple[Output, ...] = ()


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """Rows and the outputs that the model gave for them at training time.

    ``tolerance`` is the largest absolute difference that still counts as the same answer,
    relative to ``max(1, |expected|)``; 0 demands the same bits.
    ``batch_tolerance`` is how far, in the same terms, the answer to a row may differ when other
    requests are asked together with it.
    """

    rows: tuple[dict[str, float | int | bool | str | None], ...]
    outputs: dict[str, list[Recorded]]
    tolerance: float = 0.0
    batch_tolerance: float = 0.0
