"""A program of the user's own as a model: ``load(folder)`` once, ``predict(model, inputs)`` often.

It gets a numpy array of shape [rows] for each column, and gives arrays with an entry a row.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from sealift.errors import PackageError
from sealift.record.contract import Contract
from sealift.serve.folder import CODE
from sealift.serve.refusal import nearest, some
from sealift.serve.tensors import NUMPY, Array, TensorInfo

FILE = "predict.py"
"""The file that has the two functions, in the folder ``CODE`` of a model."""

FILES = "files"
"""The folder of a model with what its step wrote."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_KINDS = {np.dtype(kind): name for name, kind in NUMPY.items() if name not in ("BF16", "BYTES")}


class ProgramError(Exception):
    """The user's program failed, or gave what it must not give; says where."""


class Loaded(msgspec.Struct, frozen=True):
    """A program that was loaded: its functions, what ``load`` gave, and the types it asks for.

    A bare array that it gives is called ``target``.
    """

    folder: Path
    target: str
    state: Any
    predict: Callable[[Any, dict[str, Array]], Any]
    wanted: Mapping[str, str]

    def answers(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """What it gives for these arrays, as arrays. Raises ``ProgramError``.

        The arrays are those of the request, so that they cannot be written to.
        """
        try:
            given = self.predict(self.state, {name: _sealed(one) for name, one in feeds.items()})
        except (Exception, SystemExit) as error:
            raise ProgramError(place(error, self.folder)) from error
        named = given if isinstance(given, Mapping) else {self.target: given}
        return {str(name): _array(str(name), one) for name, one in named.items()}


class Program:
    """A loaded program whose inputs and outputs are known; each answer is held to them."""

    computes = "cpu"
    platform = "python"
    waits = True
    exact = False

    def __init__(
        self, loaded: Loaded, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]
    ) -> None:
        self._loaded = loaded
        self.inputs = inputs
        self.outputs = outputs
        self.names = [tensor.name for tensor in outputs]

    def run(self, feeds: dict[str, Array], _options: Any = None, /) -> dict[str, Array]:
        """The outputs by name; the options change nothing. Raises ``ProgramError``."""
        rows = len(feeds[self.inputs[0].name])
        found = self._loaded.answers(feeds)
        if found.keys() != set(self.names):
            raise ProgramError(
                f"{FILE} must give the outputs {some(self.names)}, not {some(found) or 'none'}."
            )
        return {one.name: _held(found[one.name], one, rows) for one in self.outputs}

    def bound(self, _feeds: dict[str, Array], _outputs: dict[str, Array], /) -> None:
        """A program makes its outputs itself."""

    def stoppable(self) -> Any:
        """Options that change nothing: a call of Python cannot be ended from outside."""
        return SimpleNamespace(terminate=False)


def opened(folder: Path, *, target: str, threads: int) -> Loaded:
    """Load the program in the folder of a model, with ``threads`` for what it computes with.

    Raises ``PackageError`` that names the line that fails.
    """
    for name in _THREADS:
        os.environ.setdefault(name, str(threads))
    code = folder / CODE
    module = _module(code)
    functions = {name: getattr(module, name, None) for name in ("load", "predict")}
    for name, function in functions.items():
        if not callable(function):
            raise PackageError(
                f"{FILE} has no function {name!r}.",
                where=FILE,
                remedy="Define load(folder) and predict(model, inputs).",
            )
    load, predict = (getattr(module, name) for name in functions)
    try:
        state = load(folder / FILES)
    except (Exception, SystemExit) as error:
        raise _unloadable(error, code) from error
    return Loaded(code, target, state, predict, _wanted(module))


def introduced(loaded: Loaded, inputs: Sequence[TensorInfo], feeds: Mapping[str, Array]) -> Program:
    """The program with the outputs that it gives for these arrays, which hold one row.

    Raises ``PackageError``.
    """
    try:
        found = loaded.answers(feeds)
    except ProgramError as error:
        raise PackageError(
            f"The program fails on a row of the table: {error}", where=FILE, remedy="Mend it."
        ) from error
    for name, array in found.items():
        if array.shape[:1] != (1,):
            raise PackageError(
                f"The output {name!r} has shape {list(array.shape)} for 1 row.",
                where=FILE,
                remedy="Its first dimension must be the number of rows.",
            )
    outputs = [
        TensorInfo(name, _datatype(array), (None, *array.shape[1:]))
        for name, array in found.items()
    ]
    return Program(loaded, inputs, outputs)


def declared(loaded: Loaded, contract: Contract) -> Program:
    """The program with the inputs and outputs of its contract."""
    return Program(
        loaded,
        [TensorInfo(field.tensor, field.dtype, (None,)) for field in contract.fields],
        [TensorInfo(one.name, one.dtype, (None, *one.shape[1:])) for one in contract.outputs],
    )


def check_wanted(wanted: Mapping[str, str], columns: Sequence[str]) -> None:
    """Refuse datatypes for what is no input (``PackageError``)."""
    for name in wanted:
        if name not in columns:
            raise PackageError(
                f"INPUTS in {FILE} names {name!r}, which is no input.{nearest(name, columns)}",
                where=FILE,
                remedy="Name columns of the table that are neither the target nor ignored.",
            )


def place(error: BaseException, folder: Path) -> str:
    """The last line of a traceback, and the last line of the program's own that it names."""
    said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {said}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if Path(one.filename).is_relative_to(folder)]
    if not own:
        return said
    at = own[-1]
    name = Path(at.filename).relative_to(folder).as_posix()
    return f"{name}, line {at.lineno}, in {at.name}: {said}"


def _module(code: Path) -> Any:
    """The module, imported with the files beside it."""
    path = code / FILE
    spec = importlib.util.spec_from_file_location("predict", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PackageError(f"There is no {FILE}.", where=str(path))
    module = importlib.util.module_from_spec(spec)
    _forget(code)
    # a pickle that it wrote may name it
    sys.modules["predict"] = module
    sys.path[:] = [str(code), *(one for one in sys.path if one != str(code))]
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _unloadable(error, code) from error
    return module


def _forget(code: Path) -> None:
    """Forget modules of another program that have the names of those beside this one."""
    for path in code.iterdir():
        known = sys.modules.get(path.stem)
        file = getattr(known, "__file__", None) or ""
        if file and Path(file) not in (path, path / "__init__.py"):
            del sys.modules[path.stem]


def _unloadable(error: BaseException, code: Path) -> PackageError:
    remedy = f"Mend {FILE}, and try it where the step runs."
    if isinstance(error, ModuleNotFoundError):
        remedy = (
            f"Name the package that holds {error.name!r} in the requirements, or put its file "
            f"beside {FILE} and name their folder in [model] predict."
        )
    return PackageError(
        f"The program cannot be loaded: {place(error, code)}", where=FILE, remedy=remedy
    )


def _wanted(module: Any) -> Mapping[str, str]:
    wanted = getattr(module, "INPUTS", {})
    if isinstance(wanted, Mapping) and all(one in NUMPY for one in wanted.values()):
        return wanted
    raise PackageError(
        f"INPUTS in {FILE} is no dictionary from columns to datatypes.",
        where=FILE,
        remedy=f"Use one of: {', '.join(sorted(NUMPY))}.",
    )


def _sealed(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _array(name: str, given: Any) -> Array:
    try:
        array = np.asarray(given)
    except (ValueError, TypeError) as error:
        raise ProgramError(f"The output {name!r} of {FILE} is no array: {error}.") from error
    if array.dtype.kind == "U":
        return array.astype(object)
    texts = array.dtype == object and all(isinstance(cell, str) for cell in array.flat)
    if texts or array.dtype in _KINDS:
        return array
    odd = type(next(iter(array.flat))).__name__ if array.dtype == object and array.size else ""
    raise ProgramError(
        f"The output {name!r} of {FILE} is of type {odd or array.dtype}; it must hold numbers, "
        "truths or texts."
    )


def _datatype(array: Array) -> str:
    return "BYTES" if array.dtype == object else _KINDS[array.dtype]


def _held(array: Array, tensor: TensorInfo, rows: int) -> Array:
    """An output as it was learnt. Raises ``ProgramError`` for another shape or type."""
    shape = (rows, *tensor.shape[1:])
    if array.shape != shape:
        raise ProgramError(
            f"The output {tensor.name!r} of {FILE} has shape {list(array.shape)} for {rows} "
            f"row{'s' * (rows != 1)}; it must be {list(shape)}."
        )
    wanted = np.dtype(NUMPY[tensor.datatype])
    if array.dtype == wanted:
        return array
    if object in (array.dtype, wanted) or not np.can_cast(array.dtype, wanted, "safe"):
        raise ProgramError(
            f"The output {tensor.name!r} of {FILE} is {_datatype(array)}; it was "
            f"{tensor.datatype} when it was learnt."
        )
    return array.astype(wanted)


__all__ = [
    "FILE",
    "FILES",
    "Loaded",
    "Program",
    "ProgramError",
    "check_wanted",
    "declared",
    "introduced",
    "opened",
    "place",
]
