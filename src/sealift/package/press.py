"""Compiles modules, with the standard library alone: ``python3 OPTIONS press.py IN OUT``.

IN/names lists sources, paths from the root of an image, a line each; they lie below IN/root. The
bytecode of each is written below OUT, where the interpreter looks for it from the root on. It
carries a hash in place of a time (PEP 552), which the interpreter does not check.

What marshal writes depends on what else a process holds: which strings are shared decides which
are written as references. So each module is compiled in a child of its own, forked from this
process, which does the same for all of them before, and has compiled what it imports itself: with
the ``OPTIONS`` it finds no bytecode, and nothing that an image brings to be run at the start. What
is no Python of this version is passed over. Little is imported, since that is compiled each time.
"""

from __future__ import annotations

import errno
import importlib.util
import marshal
import os
import sys

OPTIONS = ("-S", "-s", "-B", "-X", "pycache_prefix=/nowhere")
"""How the interpreter is to be started."""

FULL = 3
"""The exit status where there is no space left to write to."""

UNCHECKED = b"\x01\x00\x00\x00"
"""The flags of bytecode with a hash that is not compared (PEP 552)."""


def press(name: str, given: str, out: str) -> None:
    """Compile one source, as ``py_compile`` does; that one may end well on a full disk."""
    with open(f"{given}/root/{name}", "rb") as file:
        source = file.read()
    try:
        code = compile(source, f"/{name}", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return
    made = importlib.util.cache_from_source(f"{out}/{name}")
    os.makedirs(os.path.dirname(made), exist_ok=True)
    with open(made, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source))
        file.write(marshal.dumps(code))


def main(given: str, out: str) -> int:
    """Compile all, as many at a time as there are cores; the exit status."""
    sys.pycache_prefix = None
    with open(f"{given}/names", encoding="utf-8") as file:
        names = file.read().splitlines()
    cores = len(os.sched_getaffinity(0))
    worst = 0
    for number, name in enumerate(names):
        worst = max(worst, ended() if number >= cores else 0)
        begin(name, given, out)
    return max([worst, *(ended() for _ in names[:cores])])


def begin(name: str, given: str, out: str) -> None:
    """Compile one source in a child."""
    if os.fork() == 0:
        status = 1
        try:
            press(name, given, out)
            status = 0
        except (OSError, MemoryError, RecursionError) as error:
            spent = getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT)
            status = FULL if spent else 1
            sys.stderr.write(f"{name}: {error!r}\n")
        finally:
            os._exit(status)


def ended() -> int:
    """Wait for a child; its exit status, 1 where a signal ended it."""
    status = os.waitstatus_to_exitcode(os.wait()[1])
    return status if status >= 0 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))


__all__ = ["FULL", "OPTIONS", "begin", "ended", "main", "press"]
