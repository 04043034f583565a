"""What no stage has foreseen, as an error that a person can act on."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback

from sealift.errors import MachineError, SealiftError

REMEDIES = {
    errno.ENOSPC: "Free some space and run the command again: nothing that was kept is lost.",
    errno.EDQUOT: "Free some of your quota and run the command again.",
    errno.EACCES: "Give yourself permission there, or work in a folder of your own.",
    errno.EPERM: "Give yourself permission there, or work in a folder of your own.",
    errno.EROFS: "Work in a folder that can be written.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Allow more open files: ulimit -n 4096.",
}


def refusal(error: OSError, where: str = "") -> MachineError:
    """An error of the operating system that no stage has foreseen.

    ``where`` is for those that name no file.


    >>> refusal(OSError(errno.EROFS, "Read-only file system", "/srv/x")).where
    '/srv/x'
    """
    what = error.strerror or str(error)
    return MachineError(
        f"The machine refused: {what[:1].lower()}{what[1:]}.",
        where=str(error.filename or where),
        remedy=REMEDIES.get(error.errno or 0, "Run `sealift doctor` to see what is missing."),
    )


def unforeseen(error: Exception) -> SealiftError:
    """A mistake of Sealift's own; the file that ``where`` names holds what its makers need."""
    text = "".join(traceback.format_exception(error))
    place = ""
    try:
        handle, place = tempfile.mkstemp(prefix="sealift-mistake-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        place = place or text
    return SealiftError(
        f"Sealift made a mistake: {type(error).__name__}: {error}",
        where=place,
        remedy="Report it with that file; running the command again loses nothing.",
    )


__all__ = ["refusal", "unforeseen"]
