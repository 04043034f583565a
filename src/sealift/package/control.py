"""Debian control files: stanzas, relations between packages, and the order of versions.

Source: Debian Policy Manual, chapters 5 (control files and versions) and 7 (relationships).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """The stanzas of a control file as mappings; continuation lines are kept, comments are not.

    >>> list(stanzas("A: 1\\nB: x\\n y\\n\\nA: 2"))
    [{'A': '1', 'B': 'x\\n y'}, {'A': '2'}]
    """
    stanza: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza, last = {}, ""
        elif line[0] in " \t" and last:
            stanza[last] = f"{stanza[last]}\n{line}"
        elif line[0] != "#":
            last, _, value = line.partition(":")
            stanza[last] = value.strip()


@dataclass(frozen=True)
class Relation:
    """A package that is asked for, and the versions that will do (``operator`` empty: any)."""

    name: str
    operator: str = ""
    version: str = ""

    def accepts(self, version: str) -> bool:
        """Whether this version will do."""
        if not self.operator:
            return True
        have, want = order(version), order(self.version)
        return {
            "<<": have < want,
            "<=": have <= want,
            "=": have == want,
            ">=": have >= want,
            ">>": have > want,
        }[self.operator]


_RELATION = re.compile(
    r"\s*([a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^\s)]+)\s*\))?.*"
)


def relations(text: str) -> list[list[Relation]]:
    """A dependency field: all of the outer list are needed, any one of each inner list will do.

    >>> relations("libc6 (>= 2.38), awk | mawk")[1]
    [Relation(name='awk', operator='', version=''), Relation(name='mawk', operator='', version='')]
    """
    groups = []
    for group in filter(str.strip, text.replace("\n", " ").split(",")):
        found = [_RELATION.fullmatch(choice) for choice in group.split("|")]
        groups.append([Relation(m[1], m[2] or "", m[3] or "") for m in found if m])
    return groups


_Key = tuple[int, list[tuple[tuple[int, ...], int]], list[tuple[tuple[int, ...], int]]]


def order(version: str) -> _Key:
    """A key that sorts versions as Debian does.

    >>> order("1.0~rc1") < order("1.0") < order("1.0-1") < order("1.0.1") < order("1:0.1")
    True
    """
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    if not upstream:
        upstream, revision = revision, ""
    return int(epoch or 0), _parts(upstream), _parts("" if revision == "0" else revision)


def _parts(text: str) -> list[tuple[tuple[int, ...], int]]:
    return [
        ((*map(_weight, letters), 0), int(digits or 0))
        for letters, digits in re.findall(r"([^0-9]*)([0-9]*)", text)
    ]


def _weight(letter: str) -> int:
    """A tilde sorts before the end, letters before everything else."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


__all__ = ["Relation", "order", "relations", "stanzas"]
