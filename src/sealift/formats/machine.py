"""A pickle followed opcode by opcode with symbols in place of objects: nothing is made of it.

The machine keeps what a name may be resolved from (texts, tuples, the memo) and forgets the rest.
Where a real unpickler would stop with an error it may go on, never the other way round.
Opcodes: PEP 3154, PEP 574 and the comments of the standard library's ``pickletools``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sealift.formats import arrays
from sealift.formats.symbols import MARK, OTHER, Call, Global, Map, number, quoted, text
from sealift.formats.tape import Argument, Damaged, Spent, Tape

OPCODES = 20_000_000
"""Most opcodes that are followed in one file."""
KEPT = 4_000_000
"""Most entries of stack and memo together."""
WORDS = 256 << 20
"""Most bytes of texts that are kept."""
NEWEST = 5
"""The highest protocol."""

MADE = "a call of something that is made while it is loaded"


@dataclass
class Trace:
    """What loading would do: the names it would import, and whether it would call any of them.

    ``unresolved`` says in words what cannot be told; ``declared`` that the stream began by saying
    which protocol it speaks.
    """

    imports: dict[str, None] = field(default_factory=dict)
    unresolved: dict[str, None] = field(default_factory=dict)
    calls: bool = False
    declared: bool = False
    opcodes: int = 0
    words: int = 0

    def add(self, other: Trace) -> None:
        """Take over what another trace says."""
        self.imports |= other.imports
        self.unresolved |= other.unresolved
        self.calls |= other.calls
        self.opcodes, self.words = other.opcodes, other.words


class Machine:
    """Follows one pickle on a tape; what it would do is added to ``trace``.

    ``joblib`` says that arrays may stand between the opcodes, as ``joblib.load`` reads them.
    """

    def __init__(self, tape: Tape, trace: Trace, *, joblib: bool = True) -> None:
        self.tape = tape
        self.trace = trace
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0
        self.joblib = joblib

    def run(self) -> None:
        """Go on to STOP. Raises ``Damaged`` when the stream cannot be followed so far."""
        trace, opcode = self.trace, self.tape.opcode
        while True:
            trace.opcodes += 1
            if trace.opcodes > OPCODES or len(self.stack) + len(self.memo) > KEPT:
                raise Spent("it is too long to be followed")
            name, argument = opcode()
            if name == "STOP":
                self.pop()
                return
            _STEPS[name](self, argument)

    def pop(self) -> Any:
        """The top of the stack, taken off."""
        value = self.top()
        del self.stack[-1]
        return value

    def top(self) -> Any:
        """The top of the stack."""
        if not self.stack or self.stack[-1] is MARK:
            raise Damaged("an opcode finds the stack empty")
        return self.stack[-1]

    def to_mark(self) -> list[Any]:
        """What lies above the last mark, taken off with the mark."""
        above: list[Any] = []
        while self.stack:
            value = self.stack.pop()
            if value is MARK:
                return above[::-1]
            above.append(value)
        raise Damaged("an opcode finds no mark")

    def named(self, module: Any, name: Any) -> Any:
        """A name that is imported."""
        if isinstance(module, str) and isinstance(name, str):
            found = Global(module, name, self.protocol)
            self.trace.imports[found.path] = None
            return found
        known = next((one for one in (name, module) if isinstance(one, str)), "")
        about = f" with {known!r} in it" if known else ""
        self.trace.unresolved[f"a name{about} that is put together while it is loaded"] = None
        return OTHER

    def call(self, function: Any, arguments: Any) -> None:
        """Something is called, and what it gives lands on the stack."""
        self.trace.calls = True
        if not isinstance(function, Global):
            self.trace.unresolved[MADE] = None
        self.stack.append(Call(function, arguments))

    def word(self, value: Any) -> None:
        """A text lands on the stack."""
        self.trace.words += len(value) if isinstance(value, str) else 0
        if self.trace.words > WORDS:
            raise Spent("it holds too many texts to be followed")
        self.stack.append(value)


def _nothing(_machine: Machine, _: Argument) -> None:
    """It changes nothing that matters here."""


def _constant(value: Any) -> Step:
    return lambda machine, _: machine.stack.append(value)


def _protocol(machine: Machine, argument: Argument) -> None:
    machine.protocol = argument[0][0]
    machine.trace.declared = True
    if machine.protocol > NEWEST:
        raise Damaged(f"protocol {machine.protocol} is not known")


def _decimal(machine: Machine, argument: Argument) -> None:
    machine.stack.append(number(argument[0]) if argument else OTHER)


def _unsigned(machine: Machine, argument: Argument) -> None:
    machine.stack.append(int.from_bytes(argument[0], "little"))


def _signed(machine: Machine, argument: Argument) -> None:
    machine.stack.append(int.from_bytes(argument[0], "little", signed=True) if argument else OTHER)


def _quoted(machine: Machine, argument: Argument) -> None:
    value = quoted(argument[0]) if argument else OTHER
    if value is None:
        raise Damaged("a text has no quotes")
    machine.word(value)


def _escaped(machine: Machine, argument: Argument) -> None:
    try:
        machine.word(argument[0].decode("raw-unicode-escape") if argument else OTHER)
    except UnicodeDecodeError as error:
        raise Damaged("a text cannot be decoded") from error


def _text(machine: Machine, argument: Argument) -> None:
    machine.word(text(argument[0]) if argument else OTHER)


def _pop(machine: Machine, _: Argument) -> None:
    if not machine.stack:
        raise Damaged("an opcode finds the stack empty")
    del machine.stack[-1]


def _pop_mark(machine: Machine, _: Argument) -> None:
    machine.to_mark()


def _twice(machine: Machine, _: Argument) -> None:
    machine.stack.append(machine.top())


def _tuple(machine: Machine, _: Argument) -> None:
    machine.stack.append(tuple(machine.to_mark()))


def _tuple_of(count: int) -> Step:
    def step(machine: Machine, _: Argument) -> None:
        values = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(values)))

    return step


def _list(machine: Machine, _: Argument) -> None:
    machine.to_mark()
    machine.stack.append(OTHER)


def _empty_dict(machine: Machine, _: Argument) -> None:
    machine.stack.append(Map())


def _dict(machine: Machine, _: Argument) -> None:
    values = machine.to_mark()
    machine.stack.append(Map())
    _fill(machine, values)


def _set_item(machine: Machine, _: Argument) -> None:
    value, key = machine.pop(), machine.pop()
    _fill(machine, [key, value])


def _set_items(machine: Machine, _: Argument) -> None:
    _fill(machine, machine.to_mark())


def _fill(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if isinstance(target, Map):
        for key, value in zip(values[::2], values[1::2], strict=False):
            target.put(key, value)


def _append(machine: Machine, _: Argument) -> None:
    machine.pop()
    machine.top()


def _appends(machine: Machine, _: Argument) -> None:
    machine.to_mark()
    machine.top()


def _index(argument: Argument) -> int:
    try:
        place = int(argument[0])
    except ValueError as error:
        raise Damaged("a place in the memo is no number") from error
    return place


def _keep(machine: Machine, argument: Argument) -> None:
    machine.memo[_index(argument)] = machine.top()


def _keep_binary(machine: Machine, argument: Argument) -> None:
    machine.memo[int.from_bytes(argument[0], "little")] = machine.top()


def _keep_next(machine: Machine, _: Argument) -> None:
    machine.memo[len(machine.memo)] = machine.top()


def _recall(machine: Machine, place: int) -> None:
    if place not in machine.memo:
        raise Damaged("the memo has no such place")
    machine.stack.append(machine.memo[place])


def _get(machine: Machine, argument: Argument) -> None:
    _recall(machine, _index(argument))


def _get_binary(machine: Machine, argument: Argument) -> None:
    _recall(machine, int.from_bytes(argument[0], "little"))


def _global(machine: Machine, argument: Argument) -> None:
    machine.stack.append(machine.named(*map(text, argument)))


def _stack_global(machine: Machine, _: Argument) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(machine.named(module, name))


def _instance(machine: Machine, argument: Argument) -> None:
    values = tuple(machine.to_mark())
    machine.call(machine.named(*map(text, argument)), values)


def _object(machine: Machine, _: Argument) -> None:
    values = machine.to_mark()
    if not values:
        raise Damaged("an opcode finds the stack empty")
    machine.call(values[0], tuple(values[1:]))


def _call(machine: Machine, _: Argument) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.call(function, arguments)


def _call_with_names(machine: Machine, _: Argument) -> None:
    names, arguments, function = machine.pop(), machine.pop(), machine.pop()
    machine.call(function, (arguments, names))


def _build(machine: Machine, _: Argument) -> None:
    state, target = machine.pop(), machine.top()
    machine.trace.calls = True
    if isinstance(target, Global):
        machine.trace.unresolved[f"a change of {target.path} itself"] = None
    if isinstance(target, Call):
        target.state = state
        if machine.joblib and arrays.is_wrapper(target):
            _array(machine, target)


def _array(machine: Machine, wrapper: Call) -> None:
    if not arrays.pass_over(wrapper, machine.tape):
        Machine(machine.tape, machine.trace, joblib=False).run()
    machine.stack[-1] = OTHER


def _extension(machine: Machine, argument: Argument) -> None:
    code = int.from_bytes(argument[0], "little", signed=True)
    machine.trace.unresolved[f"what its reader has registered as extension {code}"] = None
    machine.stack.append(OTHER)


def _persistent(machine: Machine, _: Argument) -> None:
    machine.pop()
    machine.stack.append(OTHER)


Step = Callable[[Machine, Argument], None]
_OTHER = _constant(OTHER)
_STEPS: dict[str, Step] = {
    "PROTO": _protocol,
    **dict.fromkeys(("FRAME", "READONLY_BUFFER"), _nothing),
    **dict.fromkeys(
        ("NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT", "EMPTY_LIST", "EMPTY_SET"), _OTHER
    ),
    **dict.fromkeys(("NEXT_BUFFER", "PERSID", "BYTEARRAY8"), _OTHER),
    "NONE": _constant(None),
    "EMPTY_TUPLE": _constant(()),
    "MARK": _constant(MARK),
    **dict.fromkeys(("INT", "LONG"), _decimal),
    **dict.fromkeys(("BININT1", "BININT2"), _unsigned),
    **dict.fromkeys(("BININT", "LONG1", "LONG4"), _signed),
    "STRING": _quoted,
    "UNICODE": _escaped,
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _text),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _text),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), _text),
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _twice,
    "TUPLE": _tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    **dict.fromkeys(("LIST", "FROZENSET"), _list),
    "EMPTY_DICT": _empty_dict,
    "DICT": _dict,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "APPEND": _append,
    **dict.fromkeys(("APPENDS", "ADDITEMS"), _appends),
    "PUT": _keep,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _keep_binary),
    "MEMOIZE": _keep_next,
    "GET": _get,
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _get_binary),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _call),
    "NEWOBJ_EX": _call_with_names,
    "BUILD": _build,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _extension),
    "BINPERSID": _persistent,
}

__all__ = ["Machine", "Trace"]
