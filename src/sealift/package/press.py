"""Compiles modules, with the standard library alone: ``python3 OPTIONS press.py IN OUT``.

IN/names lists sources, paths from the root of an image, a line each; they lie below IN/root. The
bytecode of each is written below OUT, where the interpreter looks for it from the root on. It
carries a hash in place of a time (PEP 552), which the interpreter does not check.

What marshal writes depends on what else a process holds: which strings are shared decides which
are written as references. So each module is compiled in a child of its own, forked from this
process, which does the same for all of them before, and has compiled what it imports itself: with
the ``OPTIONS`` it finds no bytecode, and nothing that an image brings to be run at the start. What
is no Python of this version is passed over.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from pathlib import Path

OPTIONS = ("-S", "-s", "-B", "-X", "pycache_prefix=/nowhere")
"""How the interpreter is to be started."""

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def press(name: str, given: Path, out: Path) -> None:
    """Compile one source."""
    made = importlib.util.cache_from_source(str(out / name))
    try:
        py_compile.compile(
            str(given / "root" / name),
            made,
            dfile=f"/{name}",
            doraise=True,
            invalidation_mode=UNCHECKED,
        )
    except py_compile.PyCompileError as error:
        sys.stderr.write(error.msg)


def main(given: Path, out: Path) -> int:
    """Compile all, as many at a time as there are cores; the exit status."""
    sys.pycache_prefix = None
    names = (given / "names").read_text(encoding="utf-8").splitlines()
    cores = len(os.sched_getaffinity(0))
    failed = 0
    for number, name in enumerate(names):
        failed |= os.wait()[1] if number >= cores else 0
        begin(name, given, out)
    for _ in names[:cores]:
        failed |= os.wait()[1]
    return 1 if failed else 0


def begin(name: str, given: Path, out: Path) -> None:
    """Compile one source in a child."""
    if os.fork() == 0:
        status = 1
        try:
            press(name, given, out)
            status = 0
        finally:
            os._exit(status)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))


__all__ = ["OPTIONS", "begin", "main", "press"]
