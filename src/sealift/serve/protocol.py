"""The Open Inference Protocol: requests in tensors become checked batches.

Choices where the protocol leaves some: data may be nested or flat; datatypes must be the model's
own; unknown members are refused, unknown parameters are not. NaN in a binary tensor is no value;
infinities are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from sealift.record.contract import Contract
from sealift.serve import binary, messages
from sealift.serve.batch import Batch, Spelled, of_rows
from sealift.serve.bounds import Numbers, Texts
from sealift.serve.cells import Cells
from sealift.serve.flagged import Marks
from sealift.serve.guard import Guard
from sealift.serve.messages import InferRequest, InputTensor, WantedOutput
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.tensors import BINARY_ONLY, NUMPY, Array, Packer, Row, TensorInfo, arrayed

FEW = 256
"""Values up to which a request in JSON is checked row by row, which is faster for few."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """An output that goes back: as bytes or as JSON, and its best so many classes (0: all)."""

    name: str
    binary: bool = False
    classes: int = 0


class Asked(msgspec.Struct, frozen=True):
    """A request that was understood; ``timeout`` in seconds, 0 for none."""

    id: str | None
    batch: Batch
    wanted: Sequence[Wanted]
    timeout: float = 0.0


class _Input:
    """What is known of one input: its tensor, and the places of its columns in the contract."""

    def __init__(self, info: TensorInfo, contract: Contract) -> None:
        found = [
            (field.column, place)
            for place, field in enumerate(contract.fields)
            if field.tensor == info.name
        ]
        self.info = info
        self.places = [place for _, place in sorted(found)]
        members = [contract.fields[place] for place in self.places]
        self.text = info.datatype == "BYTES"
        self.texts = Texts(members) if self.text else None
        self.numbers = None if self.text else Numbers(members)
        self.names = np.array([field.name for field in members], object)
        self.in_order = self.places == sorted(self.places)


class Protocol:
    """The protocol's requests for one model.

    ``cells`` is the most values of a request, ``texts`` whether some of them are texts,
    ``binary_only`` whether there is an output that only binary can carry.
    """

    def __init__(
        self,
        guard: Guard,
        packer: Packer,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
    ) -> None:
        contract = guard.contract
        self._guard = guard
        self._packer = packer
        self._fields = contract.fields
        self._most = contract.max_rows
        self._inputs = {tensor.name: _Input(tensor, contract) for tensor in inputs}
        self._outputs = {tensor.name: tensor for tensor in outputs}
        places = [known.places for known in self._inputs.values()]
        self._in_order = places == [list(range(len(self._fields)))]
        self.binary_only = any(tensor.datatype in BINARY_ONLY for tensor in outputs)
        self.cells = contract.max_rows * len(contract.fields)
        self.texts = any(known.text for known in self._inputs.values())
        self._whole: dict[bool, list[Wanted]] = {}
        # a truth in a tensor of numbers is written 0 or 1 there, which rows do not allow
        self._by_rows = not any(
            field.type == "bool" and field.dtype != "BOOL" for field in contract.fields
        )

    def read(self, body: bytes, header: str | None) -> Asked:
        """A request; ``header`` is ``Inference-Header-Content-Length``. Raises ``RefusalError``."""
        if header == "0":
            return self._raw(body)
        return self.understood(*messages.read(body, header))

    def understood(
        self, request: InferRequest, blobs: Mapping[int, memoryview], *, binary: bool = False
    ) -> Asked:
        """A request whose inputs have their bytes in ``blobs``, or else data of their own.

        ``binary`` is how outputs go back unless it says otherwise. Raises ``RefusalError``.
        """
        wanted = self._wanted(request, binary)
        order = self._order(request.inputs)
        tensors = [
            Cells(
                request.inputs[position],
                blobs.get(position),
                f"inputs[{position}]",
                known.info,
                self._most,
            )
            for position, known in order
        ]
        timeout = messages.count(request.parameters, "timeout", "parameters") or 0
        return Asked(request.id, self._batch(tensors), wanted, timeout / 1e6)

    def described(self) -> dict[str, Any]:
        """The inputs and outputs in the metadata of the model."""
        return {
            "inputs": [_described(known.info) for known in self._inputs.values()],
            "outputs": [_described(tensor) for tensor in self._outputs.values()],
        }

    def configured(self) -> dict[str, Any]:
        """The inputs and outputs in the configuration of the model, which is made of them.

        The sizes of batches are part of the shapes, as ``max_batch_size`` 0 says.
        """
        told: dict[str, Any] = {"max_batch_size": 0}
        for kind, tensors in self.described().items():
            told[kind.removesuffix("s")] = [
                {
                    "name": tensor["name"],
                    "data_type": "TYPE_" + tensor["datatype"].replace("BYTES", "STRING"),
                    "dims": tensor["shape"],
                }
                for tensor in tensors
            ]
        return told

    def _raw(self, body: bytes) -> Asked:
        if len(self._inputs) != 1:
            raise RefusalError(
                f"A raw request is for models with one input; this has {len(self._inputs)}.",
                code="raw_request",
                path="Inference-Header-Content-Length",
            )
        (known,) = self._inputs.values()
        info, width = known.info, len(known.places)
        blob, size = memoryview(body), binary.itemsize(info.datatype) * width
        if known.text:
            # its one text has no length before it
            size = len(body)
            blob = memoryview(len(body).to_bytes(4, "little") + body)
        if (known.text and width != 1) or (not known.text and len(body) % size):
            raise RefusalError(
                f"The {len(body)} bytes are no whole number of rows of {info.name!r}: {width} x "
                f"{info.datatype}.",
                code="raw_request",
                path="Content-Length",
            )
        rows = 1 if known.text else len(body) // size
        shape = [rows, width] if len(info.shape) == 2 else [rows]
        tensor = InputTensor(name=info.name, shape=shape, datatype=info.datatype)
        cells = Cells(tensor, blob, "inputs[0]", info, self._most)
        return Asked(None, self._batch([cells]), [Wanted(name, True) for name in self._outputs])

    def _batch(self, tensors: list[Cells]) -> Batch:
        rows = tensors[0].rows
        for tensor in tensors:
            if tensor.rows != rows:
                raise RefusalError(
                    f"Inputs have different numbers of rows: {rows} and {tensor.rows}.",
                    code="shape",
                    path=f"{tensor.path}.shape",
                )
        if (
            self._by_rows
            and rows * len(self._fields) <= FEW
            and all(tensor.array is None for tensor in tensors)
        ):
            return self._by_row(tensors)
        return self._by_column(tensors)

    def _by_row(self, tensors: list[Cells]) -> Batch:
        def place(row: int, field: int) -> str:
            one = self._fields[field]
            tensor = tensors[list(self._inputs).index(one.tensor)]
            return tensor.place(row, one.column)

        rows = self._guard.check(self._laid_out(tensors), place)
        return of_rows(self._guard, self._packer, rows)

    def _by_column(self, tensors: list[Cells]) -> Batch:
        count = tensors[0].rows
        if not count:
            text = "'inputs' must hold at least one row."
            raise RefusalError(text, code="length", path="inputs")
        feeds: dict[str, Array] = {}
        found: list[tuple[_Input, Array]] = []
        for cells, known in zip(tensors, self._inputs.values(), strict=True):
            shape = (count, cells.width) if len(known.info.shape) == 2 else (count,)
            if known.texts is not None:
                seen = known.texts.check(cells.flat, cells.place)
                values: Any = arrayed([text or "" for text in cells.flat], object)
            elif known.numbers is not None:
                values = cells.numbers()
                seen = known.numbers.check(values, cells.place)
                values = values.astype(NUMPY[known.info.datatype], copy=False)
            feeds[known.info.name] = values.reshape(shape)
            if seen is not None:
                found.append((known, seen))

        def some(numbers: Sequence[int]) -> Spelled:
            picked = feeds
            if len(numbers) < count:
                chosen = list(numbers)
                picked = {name: array[chosen] for name, array in feeds.items()}
            return lambda: self.spelled(picked)

        marks = self._marks(found) if found else None
        if marks is None or marks.many:
            return Batch(count, feeds, {}, some, marks)
        return Batch(count, feeds, marks.named(), some)

    def _marks(self, found: list[tuple[_Input, Array]]) -> Marks:
        """What is flagged: numbers in the order of the contract, then texts."""
        first, seen = found[0]
        if len(found) == 1 and first.in_order:
            return Marks(first.names, seen)
        seen = np.hstack([seen for _, seen in found])
        columns = [(known.text, place) for known, _ in found for place in known.places]
        order = sorted(range(len(columns)), key=columns.__getitem__)
        names = np.concatenate([known.names for known, _ in found])
        return Marks(names[order], seen[:, order])

    def spelled(self, feeds: dict[str, Array]) -> list[Row]:
        """The rows of the model's inputs as clients would write them."""
        columns: list[list[Any]] = [[]] * len(self._fields)
        first = next(iter(self._inputs.values()))
        if self._in_order and first.numbers is not None and first.numbers.plain:
            return list(map(tuple, feeds[first.info.name].reshape(-1, len(columns)).tolist()))
        for known in self._inputs.values():
            array = feeds[known.info.name]
            wide = array.reshape(len(array), -1)
            for number, place in enumerate(known.places):
                values = wide[:, number].tolist()
                columns[place] = (
                    [value or None for value in values]
                    if known.numbers is None and self._fields[place].nullable
                    else values
                    if known.numbers is None
                    else known.numbers.column(number, values)
                )
        return list(zip(*columns, strict=True))

    def _wanted(self, request: InferRequest, binary: bool) -> list[Wanted]:
        default = messages.flag(
            request.parameters, "binary_data_output", "parameters", default=binary
        )
        if not request.outputs:
            return self.all_wanted(binary=default)
        found: dict[str, Wanted] = {}
        for position, output in enumerate(request.outputs):
            path = f"outputs[{position}]"
            if output.name not in self._outputs:
                hint = nearest(output.name, self._outputs)
                raise RefusalError(
                    f"There is no output {brief(output.name)}.{hint}",
                    code="unknown_output",
                    path=f"{path}.name",
                )
            if output.name in found:
                raise RefusalError(
                    f"The output {output.name!r} is asked for twice.",
                    code="repeated_field",
                    path=f"{path}.name",
                )
            found[output.name] = self._one_wanted(output, default, path)
        return list(found.values())

    def all_wanted(self, *, binary: bool) -> list[Wanted]:
        """What goes back where nothing is chosen. Raises ``RefusalError`` as ``read``."""
        known = self._whole.get(binary)
        if known is None:
            known = self._whole[binary] = [
                self._one_wanted(WantedOutput(name), binary, "parameters.binary_data_output")
                for name in self._outputs
            ]
        return known

    def _one_wanted(self, output: WantedOutput, default: bool, path: str) -> Wanted:
        datatype = self._outputs[output.name].datatype
        inside = f"{path}.parameters"
        binary_data = messages.flag(output.parameters, "binary_data", inside, default=default)
        classes = messages.count(output.parameters, "classification", inside) or 0
        if classes and datatype in ("BYTES", "BOOL"):
            raise RefusalError(
                f"The output {output.name!r} holds {datatype}, which cannot be ranked.",
                code="classification",
                path=inside,
            )
        if datatype in BINARY_ONLY and not binary_data and not classes:
            raise RefusalError(
                f"The output {output.name!r} holds {datatype}, which JSON cannot carry; ask for "
                "it with the parameter binary_data.",
                code="binary_only",
                path=path,
            )
        return Wanted(output.name, binary_data, classes)

    def _order(self, inputs: list[InputTensor]) -> list[tuple[int, _Input]]:
        positions: dict[str, int] = {}
        for position, tensor in enumerate(inputs):
            path = f"inputs[{position}].name"
            if tensor.name not in self._inputs:
                hint = nearest(tensor.name, self._inputs)
                raise RefusalError(
                    f"There is no input {brief(tensor.name)}.{hint}",
                    code="unknown_field",
                    path=path,
                )
            if tensor.name in positions:
                raise RefusalError(
                    f"The input {tensor.name!r} occurs twice.", code="repeated_field", path=path
                )
            positions[tensor.name] = position
        for name in self._inputs:
            if name not in positions:
                raise RefusalError(
                    f"The input {name!r} is missing.", code="missing_field", path="inputs"
                )
        return [(positions[name], known) for name, known in self._inputs.items()]

    def _laid_out(self, tensors: list[Cells]) -> Sequence[Sequence[Any]]:
        """Rows of values in the order of the contract's fields."""
        if self._in_order:
            flat, width = tensors[0].flat, tensors[0].width
            return [flat[begin : begin + width] for begin in range(0, len(flat), width)]
        columns: list[list[Any]] = [[]] * len(self._fields)
        for tensor, known in zip(tensors, self._inputs.values(), strict=True):
            for column, place in enumerate(known.places):
                columns[place] = tensor.flat[column :: tensor.width]
        return list(zip(*columns, strict=True))


def _described(tensor: TensorInfo) -> dict[str, Any]:
    shape = [-1, *(-1 if size is None else size for size in tensor.shape[1:])]
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": shape}


__all__ = ["Asked", "Protocol", "Wanted"]
