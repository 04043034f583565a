"""The user's requirements file, and the files that it includes, as texts.

Format: pip, "Requirements File Format". They are code, of which snapshots are kept: no name and no
password may stand in them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sealift.errors import ProjectError
from sealift.secrets import hidden

_LOGIN = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<login>[^/?#\s]*)@")
# pip and uv take these from the environment
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_INCLUDES = ("-r", "--requirement", "-c", "--constraint")


def texts(first: str, root: Path) -> dict[str, str]:
    """The file ``first`` below ``root`` and those that it includes, by name; none without it.

    Raises ``ProjectError`` for one that cannot be read, or that holds a password.
    """
    found: dict[str, str] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        path = root / name
        if name in found or (name == first and not path.exists()):
            continue
        text = _text(path)
        _require_no_login(text, path)
        found[name] = text
        for line in text.splitlines():
            words = line.replace("=", " ").split()
            if len(words) > 1 and words[0] in _INCLUDES:
                waiting.append(os.path.join(os.path.dirname(name), words[1]))  # noqa: PTH118, PTH120
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(
            f"A requirements file cannot be read: {error}.",
            where=str(path),
            remedy="Correct the name in the [image] table, or in the file that includes it.",
        ) from error


def _require_no_login(text: str, path: Path) -> None:
    for number, line in enumerate(text.splitlines(), start=1):
        if any(_tells(*one.groups()) for one in _LOGIN.finditer(line)):
            raise ProjectError(
                f"An address holds a name or a password: {hidden(line.strip())}. Runs keep this "
                "file with their code.",
                where=f"{path}:{number}",
                remedy="Write ${NAME}:${PASSWORD}@ there and set both in the environment; or set "
                "UV_INDEX or ~/.netrc, and take the line out.",
            )


def _tells(scheme: str, login: str) -> bool:
    """Whether a login in an address is a secret: not ``git@``, nor what the environment holds.

    >>> _tells("https", "me:word"), _tells("https", "${ME}:${WORD}"), _tells("git+ssh", "git")
    (True, False, False)
    """
    left = _VARIABLE.sub("", login)
    return ":" in left.strip(":") if scheme.endswith("ssh") else bool(left.strip(":"))


__all__ = ["texts"]
