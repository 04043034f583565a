"""Files that run code are refused, unless the project file allows exactly their bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sealift.errors import PackageError
from sealift.formats.evidence import Finding, Verdict
from sealift.types import Digest

SHOWN = 4
"""Names that a message lists."""
_WORST: tuple[Verdict, ...] = ("dangerous", "unreadable", "unknown", "harmless")


def refuse(findings: Sequence[Finding], allowed: Collection[str], *, where: str) -> None:
    """Raise ``PackageError`` for a file that would run code and that nobody allowed.

    The message names the worst file, what it would import, and the line that allows all of them.
    ``where`` says what was scanned, such as ``output train.model``.
    """
    refused = [one for one in findings if one.verdict != "data" and one.digest not in allowed]
    if not refused:
        return
    worst = min(refused, key=lambda one: _WORST.index(one.verdict))
    others = f" So do {len(refused) - 1} other files." if len(refused) > 1 else ""
    digests = list(dict.fromkeys([*allowed, *(one.digest for one in refused)]))
    raise PackageError(
        f"{worst.path} ({worst.format}) can run code when it is loaded: {_does(worst)}.{others}",
        where=f"{where}: {worst.path}",
        remedy="Let the step write the model as ONNX (docs/your-model.md shows how). Or, if you "
        "trust whoever wrote it, allow just these bytes: write in [model] of sealift.toml\n"
        f"    allow = {_list(digests)}",
    )


def _does(finding: Finding) -> str:
    """What loading a file would do, in words."""
    if finding.verdict == "dangerous":
        return f"it would import {_some(finding.dangerous)}, which can do anything to the machine"
    if finding.verdict == "unreadable":
        return f"it cannot be told what it would do ({_some(finding.unclear)})"
    if finding.verdict == "unknown":
        return f"it would import {_some(finding.unknown)}, which is not known to be harmless"
    names = _some(sorted(finding.imports, key=_is_common))
    return f"it would import {names}; nothing of it is known to do harm"


def _is_common(name: str) -> bool:
    """Whether nearly every pickle imports it, so that it says little."""
    return name.startswith(
        ("numpy.", "builtins.", "copyreg.", "joblib.", "_codecs.", "collections.")
    )


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    >>> _some(["a", "b"]), _some(list("abcdef"))
    ('a and b', 'a, b, c, d and 2 more')
    """
    *first, last = names if len(names) <= SHOWN else [*names[:SHOWN], f"{len(names) - SHOWN} more"]
    return f"{', '.join(first)} and {last}" if first else last


def _list(digests: Sequence[str | Digest]) -> str:
    """A list as TOML has it."""
    return "[" + ", ".join(f'"{one}"' for one in digests) + "]"


__all__ = ["refuse"]
