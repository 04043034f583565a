"""How a server that crashed came to its end, from the traceback that Python leaves of it.

Images set ``PYTHONFAULTHANDLER``, so that the interpreter writes one when a signal ends it (the
module faulthandler).
"""

from __future__ import annotations

import re

_FATAL = re.compile(r"^Fatal Python error: (?P<what>.+)$", re.MULTILINE)
_FRAME = re.compile(r'^  File "(?P<file>[^"<]+)", line (?P<line>[0-9]+)', re.MULTILINE)
_PACKAGES = re.compile(r"^.*/(?:dist|site)-packages/")

_INSTRUCTION = "Illegal instruction"


def crash(log: str, lacking: tuple[str, ...] = ()) -> tuple[str, str, str]:
    """What ended the server, where, and what to do, if the log tells of a crash; else nothing.

    ``lacking`` are instructions that the processor of the training had and this one has not.

    >>> crash('Fatal Python error: Bus error\\n\\n  File "/a/dist-packages/b.py", line 3')
    ('Bus error', 'b.py, line 3', 'The log has the whole traceback.')
    """
    fatal = _FATAL.search(log)
    if fatal is None:
        return "", "", ""
    frame = _FRAME.search(log, fatal.end())
    where = f"{_PACKAGES.sub('', frame['file'])}, line {frame['line']}" if frame else ""
    if fatal["what"] != _INSTRUCTION:
        return fatal["what"], where, "The log has the whole traceback."
    known = f" Of that of the training it lacks: {', '.join(lacking)}." if lacking else ""
    return (
        f"{_INSTRUCTION}: this processor does not have what its packages need",
        where,
        f"Run it on a newer processor, or choose packages that are built for this one.{known}",
    )


__all__ = ["crash"]
