"""The kept grades of servers, and the page made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.conformance.servers import Address
from benchmarks.machine import REPOSITORY
from sealift.check.protocol.grade import Grade, Verdict

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ORDER = ("ours", "mlserver", "kserve", "pytriton")
HEAD = (
    "<!-- Made from benchmarks/conformance/results and method.md (`make docs`); do not edit. -->\n"
)
MARKS = {"kept": "kept", "open": "", "spared": "n/a"}
ADDRESS, GRPC = "http://SERVER", "SERVER:8001"
LONGEST = 400


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """A grade, of which version of what, and when."""

    project: str
    commit: str
    date: str
    grade: Grade


def anonymous(one: Grade, scratch: str, address: Address) -> Grade:
    """A grade without the address and the folders of the moment, which answers may repeat."""
    text = msgspec.json.encode(one).decode()
    words = {
        address.rest: ADDRESS,
        address.grpc: GRPC,
        scratch: "/SCRATCH",
        str(REPOSITORY): "/REPOSITORY",
        str(Path.home()): "/HOME",
    }
    for word, told in words.items():
        text = text.replace(word, told)
    text = re.sub(r"/tmp/\w+", "/SCRATCH", text)  # noqa: S108  servers have folders of their own
    return msgspec.json.decode(text, type=Grade)


def save(name: str, one: Graded) -> Path:
    """Keep a grade."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(one), indent=1) + b"\n")
    return path


def load() -> list[Graded]:
    """The kept grades, ours first."""
    places = [RESULTS / f"{name}.json" for name in ORDER]
    return [
        msgspec.json.decode(place.read_bytes(), type=Graded) for place in places if place.is_file()
    ]


def page() -> str:
    """The page: the method, counts, every rule beside every server, and what each gets wrong."""
    grades = load()
    parts = [HEAD + (HERE / "method.md").read_text(), counts(grades), table(grades)]
    parts += [unclear(grades)] if grades else []
    parts += [wrong(one) for one in grades]
    return "\n".join(part for part in parts if part)


def counts(grades: list[Graded]) -> str:
    """How many rules each server keeps and breaks."""
    rows = ["## Counts", "", "| server | kept | broken: must | broken: should | not applicable |"]
    rows.append("|---|---|---|---|---|")
    for one in grades:
        outcomes = [verdict.outcome for verdict in one.grade.verdicts]
        must, should = (len(one.grade.broken(kind)) for kind in ("must", "should"))
        numbers = (outcomes.count("kept"), must, should, outcomes.count("spared"))
        told = " | ".join(str(number) for number in numbers)
        rows.append(f"| {one.project} | {told} |")
    return "\n".join([*rows, ""])


def table(grades: list[Graded]) -> str:
    """Every rule that is judged, beside every server."""
    head = " | ".join(one.project for one in grades)
    rows = ["## Rules", "", f"| rule | severity | {head} |", "|---|---|" + "---|" * len(grades)]
    for name, found in by_rule(grades):
        if all(one.outcome == "open" for one in found if one):
            continue
        worst = min((one.severity for one in found if one), key=("must", "should", "unclear").index)
        cells = " | ".join(cell(one) for one in found)
        rows.append(f"| {name} | {worst} | {cells} |")
    return "\n".join([*rows, ""])


def by_rule(grades: list[Graded]) -> Iterator[tuple[str, list[Verdict | None]]]:
    """The verdicts of all servers on each rule."""
    known = [{one.rule: one for one in graded.grade.verdicts} for graded in grades]
    for name in dict.fromkeys(name for verdicts in known for name in verdicts):
        yield name, [verdicts.get(name) for verdicts in known]


def cell(verdict: Verdict | None) -> str:
    """A verdict in a word."""
    if verdict is None:
        return ""
    if any(not one.answered for one in verdict.shown):
        return f"**no answer** ({verdict.severity})"
    if verdict.outcome == "broken":
        return f"**broken** ({verdict.severity})"
    return MARKS[verdict.outcome]


def unclear(grades: list[Graded]) -> str:
    """What each server does where the specification is unclear."""
    head = " | ".join(one.project for one in grades)
    rows = ["## Where the specification is unclear", "", f"| question | {head} |"]
    rows.append("|---|" + "---|" * len(grades))
    for name, found in by_rule(grades):
        if any(one and one.outcome == "open" for one in found):
            cells = " | ".join(plain(one.detail) if one else "" for one in found)
            rows.append(f"| {name} | {cells} |")
    return "\n".join([*rows, ""])


def wrong(graded: Graded) -> str:
    """What a server gets wrong: the rule, its passage, and the request that shows it."""
    rows = [f"## What {graded.project} gets wrong", ""]
    found = [one for kind in ("must", "should") for one in graded.grade.broken(kind)]
    if not found:
        rows += ["Nothing that these rules see.", ""]
        return "\n".join(rows)
    rows += ["| rule | severity | what | request | answer |", "|---|---|---|---|---|"]
    for one in found:
        shown = one.shown[0]
        more = f" (and {len(one.shown) - 1} more)" if len(one.shown) > 1 else ""
        gone = f"; {one.detail}" if not shown.answered else ""
        what = plain(shown.message) + more + gone
        request, answer = code(shown.request), code(shown.answer)
        rows.append(f"| {one.rule} | {one.severity} | {what} | {request} | {answer} |")
    return "\n".join([*rows, ""])


def plain(text: str) -> str:
    """Text in a cell of a table."""
    cut = text if len(text) <= LONGEST else text[:LONGEST] + " ..."
    kept = "".join(letter if letter.isprintable() else " " for letter in cut)
    return kept.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def code(text: str) -> str:
    """Text in a cell as code; without backquotes, which would end it."""
    cut = text if len(text) <= LONGEST else text[:LONGEST] + " ..."
    kept = "".join(letter if letter.isprintable() else " " for letter in cut)
    return "`" + kept.replace("`", "'").replace("|", "\\|") + "`"


__all__ = ["Graded", "anonymous", "load", "page", "save"]
