"""A sheet as JUnit XML, the form in which CI systems read the results of tests."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sealift import clock
from sealift.check.outcome.sheet import Line, Sheet, told

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (2.2)."""


def write(sheet: Sheet) -> bytes:
    """The whole document: a suite for each group, a case for each line."""
    whole = sum(one.seconds for one in sheet.lines)
    root = ET.Element("testsuites", _counts(sheet.title, sheet.lines, whole))
    del root.attrib["skipped"]  # the schema that Jenkins holds reports to has it in suites alone
    for group, lines in sheet.groups().items():
        seconds = sum(one.seconds for one in lines)
        suite = ET.SubElement(root, "testsuite", _counts(group, lines, seconds))
        suite.set("timestamp", clock.stamp(sheet.started)[:19])
        properties = ET.SubElement(suite, "properties")
        for name, value in sheet.about:
            ET.SubElement(properties, "property", name=name, value=_clean(value))
        for line in lines:
            _case(suite, line)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _counts(name: str, lines: tuple[Line, ...] | list[Line], seconds: float) -> dict[str, str]:
    statuses = [one.status for one in lines]
    return {
        "name": name,
        "tests": str(len(statuses)),
        "failures": str(statuses.count("failed")),
        "errors": "0",
        "skipped": str(statuses.count("spared")),
        "time": f"{seconds:.3f}",
    }


def _case(suite: ET.Element, line: Line) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"sealift.{line.group}",
        name=line.name,
        time=f"{line.seconds:.3f}",
    )
    text = "\n\n".join(told(note) for note in line.notes)
    source = f"\n({line.source})" if line.source else ""
    if line.status == "failed":
        first = line.notes[0].message if line.notes else line.shows
        failure = ET.SubElement(case, "failure", type=line.level, message=_clean(first))
        failure.text = _clean(f"{line.shows}{source}\n\n{text}")
    elif line.status == "spared":
        ET.SubElement(case, "skipped", message=_clean(line.detail))
    elif text or line.detail:
        said = text or line.detail
        ET.SubElement(case, "system-out").text = _clean(f"{line.status}: {said}")


def _clean(text: str) -> str:
    """Text without what XML cannot hold.

    >>> _clean("a" + chr(0) + "b")
    'a?b'
    """
    return _FORBIDDEN.sub("?", text)


__all__ = ["write"]
