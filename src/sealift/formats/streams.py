"""Pickles in a stream, one after another, and arrays that hold one."""

from __future__ import annotations

import ast
import re
from typing import Any, BinaryIO

from sealift.formats.evidence import Evidence
from sealift.formats.machine import Machine, Trace
from sealift.formats.tape import Damaged, Spent, Tape

NPY = b"\x93NUMPY"
HEADER = 1 << 16
"""Longest header of an array; numpy itself takes 10,000 bytes."""
ENOUGH = 8
"""Opcodes after which a stream that breaks off counts, if it said which protocol it speaks."""

_OBJECTS = re.compile(r"[|<>=]?O\d*")


def pickles(stream: BinaryIO, size: int | None, seen: Evidence) -> None:
    """Follow the pickles that a stream begins with; nothing happens if it begins with none.

    One that breaks off counts if it calls something before, since that would really be called.
    """
    tape, whole, going = seen.tape(stream, size), seen.trace(), True
    while going:
        part = Trace(opcodes=whole.opcodes, words=whole.words)
        try:
            Machine(tape, part).run()
        except Damaged as damage:
            going = False
            if not _counts(part, whole, damage):
                break
            seen.doubt(f"what follows: {damage}")
        whole.add(part)
    seen.take(whole, tape)


def _counts(part: Trace, whole: Trace, damage: Damaged) -> bool:
    if isinstance(damage, Spent) or part.calls:
        return True
    return part.declared and part.opcodes - whole.opcodes > ENOUGH


def array(stream: BinaryIO, size: int | None, seen: Evidence) -> None:
    """An array in numpy's own format (``.npy``): with objects in it, it ends in a pickle."""
    tape, trace = seen.tape(stream, size), seen.trace()
    try:
        if not _has_objects(_header(tape)):
            return
        seen.saw("array of objects")
        Machine(tape, trace, joblib=False).run()
    except Damaged as damage:
        seen.saw("array of objects")
        seen.doubt(f"its elements: {damage}")
    seen.take(trace, tape)


def _header(tape: Tape) -> Any:
    tape.skip(len(NPY))
    major, _ = tape.read(2)
    length = int.from_bytes(tape.read(2 if major == 1 else 4), "little")
    if length > HEADER:
        raise Damaged("its header is too long")
    try:
        header = ast.literal_eval(tape.read(length).decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Damaged("its header is no header") from error
    if not isinstance(header, dict):
        raise Damaged("its header is no header")
    return header.get("descr")


def _has_objects(described: Any) -> bool:
    """Whether any text in a type's description names objects.

    >>> _has_objects([("a", "<f8"), ("b", "|O", (2,))]), _has_objects("<f4")
    (True, False)
    """
    waiting = [described]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _OBJECTS.fullmatch(one):
            return True
        if isinstance(one, list | tuple):
            waiting += one
    return False


__all__ = ["NPY", "array", "pickles"]
