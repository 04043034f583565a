"""Licences as packages state them, in the words of SPDX where these are meant.

Sources: machine-readable debian/copyright file 1.0 (DEP-5); core metadata of PyPA, version 2.4
(``License-Expression``, PEP 639); CycloneDX 1.6, which takes either licences or one expression.
"""

from __future__ import annotations

import importlib
import re
from email.message import Message
from functools import lru_cache
from typing import Any

from sealift.package.control import stanzas
from sealift.types import Json

_DEP5 = "copyright-format"
# names of DEP-5 that SPDX spells otherwise
_OTHERWISE = {"Expat": "MIT"}
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d+(?:\.\d+)?)(\+?)")
_LONGEST_NAME = 64


def _spdx() -> Any:
    """The words of SPDX, read when they are needed: they take longer than most bills."""
    return importlib.import_module("cyclonedx.spdx")


@lru_cache(maxsize=1024)
def is_expression(text: str) -> bool:
    """Whether a text is an expression of SPDX; most parts of a wheel have one of a few.

    >>> is_expression("MIT OR Apache-2.0"), is_expression("see the file")
    (True, False)
    """
    return bool(_spdx().is_expression(text))


def of_debian(copyright_file: str) -> list[Json]:
    """The licences of a Debian package; none where the file cannot be read by a machine.

    >>> of_debian("Format: x/copyright-format/1.0/\\n\\nFiles: *\\nLicense: GPL-2+\\n text")
    [{'license': {'id': 'GPL-2.0-or-later'}}]
    """
    parts = list(stanzas(copyright_file))
    if not parts or _DEP5 not in parts[0].get("Format", ""):
        return []
    stated = {part["License"].partition("\n")[0].strip() for part in parts if "License" in part}
    return of_names({name for name in stated if 0 < len(name) <= _LONGEST_NAME})


def of_wheel(metadata: Message) -> list[Json]:
    """The licences of a Python package: an expression, else the field, else the classifiers."""
    expression = str(metadata.get("License-Expression") or "").strip()
    if expression and is_expression(expression):
        return [{"expression": expression}]
    stated = str(metadata.get("License") or "").strip()
    if stated and len(stated) <= _LONGEST_NAME and "\n" not in stated:
        return _either(stated)
    classifiers = [str(line) for line in metadata.get_all("Classifier", [])]
    names = {line.rpartition("::")[2].strip() for line in classifiers if line[:7] == "License"}
    return of_names(names - {"OSI Approved"})


def of_text(text: str) -> list[Json]:
    """The licences of a package that states them in one line: an expression, else a name."""
    return [{"expression": text}] if is_expression(text) else of_names({text})


def _either(text: str) -> list[Json]:
    """A text that may be an expression."""
    compound = _spdx().fixup_id(text) is None and is_expression(text)
    return [{"expression": text}] if compound else of_names({text})


def of_names(names: set[str]) -> list[Json]:
    """Each licence once, in order; by its identifier where SPDX has one."""
    found: dict[str, Json] = {}
    for name in names:
        identifier = _spdx().fixup_id(_spelled(name))
        if identifier:
            found[identifier] = {"license": {"id": identifier}}
        else:
            found[name] = {"license": {"name": name}}
    return [found[key] for key in sorted(found)]


def _spelled(name: str) -> str:
    """A name of DEP-5 as SPDX spells it.

    >>> _spelled("LGPL-2+"), _spelled("GPL-3"), _spelled("Expat")
    ('LGPL-2.0-or-later', 'GPL-3.0-only', 'MIT')
    """
    gnu = _GNU.fullmatch(name)
    if not gnu:
        return _OTHERWISE.get(name, name)
    version = gnu[2] if "." in gnu[2] else f"{gnu[2]}.0"
    return f"{gnu[1]}-{version}-{'or-later' if gnu[3] else 'only'}"


__all__ = ["is_expression", "of_debian", "of_names", "of_wheel"]
