"""The bytes of an array that joblib writes between the opcodes of a pickle.

Behind the opcode that fills its wrapper stand one byte with the length of a padding, the padding
(both since joblib 1.1) and the elements; or another pickle, when the elements are objects.
"""

from __future__ import annotations

import re
from typing import Any

from sealift.formats.symbols import Call, Global, Map
from sealift.formats.tape import Damaged, Tape

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_OBJECTS = 1
"""The flag of a numpy dtype with objects in it (NPY_ITEM_HASOBJECT)."""
_FLAGS = 7
"""Where the flags stand in a dtype's state."""
_TYPE = re.compile(r"[|<>=]?([?a-zA-Z])(\d*)")
_LETTERS = 4


def is_wrapper(value: Any) -> bool:
    """Whether a symbol stands for joblib's wrapper of an array."""
    made = isinstance(value, Call) and isinstance(value.function, Global)
    return made and value.function.path == WRAPPER


def pass_over(wrapper: Call, tape: Tape) -> bool:
    """Go past the elements; False where another pickle stands instead of them.

    Raises ``Damaged`` when the wrapper does not say how long they are.
    """
    entries = wrapper.state.entries if isinstance(wrapper.state, Map) else {}
    shape, dtype = entries.get("shape"), entries.get("dtype")
    size = _item_size(dtype)
    if size is None:
        return False
    if not isinstance(shape, tuple) or not all(isinstance(one, int) and one >= 0 for one in shape):
        raise Damaged("an array does not say how long it is")
    count = 1
    for length in shape:
        count *= length
    if entries.get("numpy_array_alignment_bytes") is not None:
        tape.skip(tape.read(1)[0])
    tape.skip(count * size)
    return True


def _item_size(dtype: Any) -> int | None:
    """Bytes of one element; None where the elements are objects."""
    code = dtype.arguments[0] if _is_dtype(dtype) else None
    found = _TYPE.fullmatch(code) if isinstance(code, str) else None
    if found is None:
        raise Damaged("an array is of a type that is not known")
    state = dtype.state
    flags = state[_FLAGS] if isinstance(state, tuple) and len(state) > _FLAGS else 0
    if found[1] == "O" or (isinstance(flags, int) and flags & _OBJECTS):
        return None
    return int(found[2] or 1) * (_LETTERS if found[1] == "U" else 1)


def _is_dtype(value: Any) -> bool:
    made = isinstance(value, Call) and isinstance(value.function, Global)
    named = made and value.function.path == "numpy.dtype"
    return named and isinstance(value.arguments, tuple) and bool(value.arguments)


__all__ = ["is_wrapper", "pass_over"]
