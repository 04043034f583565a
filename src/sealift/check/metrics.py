"""The server's metrics are there, in the form that Prometheus reads, and count requests."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.check.valid_request import shown
from sealift.record.report import Finding

PATH = "/metrics"
COUNTER = "sealift_requests_total"
REMEDY = "Serve the text format of Prometheus, version 0.0.4, at /metrics."
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{(?:{_LABEL}(?:,{_LABEL})*,?)?\}})?"
    r" (?P<value>[+-]?(?:Inf|NaN|[0-9.]+(?:e[+-]?[0-9]+)?))(?: -?[0-9]+)?"
)
_COMMENT = re.compile(r"# (?:HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*|#.*")


def findings(target: Target) -> Iterator[Finding]:
    """Read them, ask for predictions, and read them again."""
    before = yield from samples(target)
    for _ in range(3):
        target.post("/predict", rows_body(good_rows(target.subject, 1)))
    after = yield from samples(target)
    if COUNTER not in after:
        yield error(f"There is no {COUNTER}.", place=PATH, remedy="Count requests by status.")
    elif after[COUNTER] < before.get(COUNTER, 0.0) + 3:
        yield error(
            f"After three requests {COUNTER} went from {before.get(COUNTER, 0):g} to "
            f"{after[COUNTER]:g}.",
            place=PATH,
            remedy="Count every request, whichever process answers it.",
        )
    yield info(f"{len(after)} metrics")


def samples(target: Target) -> Generator[Finding, None, dict[str, float]]:
    """The sum of each metric's samples by its name, after a finding for each odd line."""
    answer = target.get(PATH)
    totals: dict[str, float] = {}
    if answer.status != 200 or not answer.headers.get("content-type", "").startswith("text/plain"):
        yield error("There are no metrics as text.", place=shown(answer), remedy=REMEDY)
        return totals
    for number, line in enumerate(answer.body.decode(errors="replace").split("\n"), start=1):
        found = _SAMPLE.fullmatch(line)
        if found:
            name = found["name"]
            totals[name] = totals.get(name, 0.0) + float(found["value"])
        elif line and not _COMMENT.fullmatch(line):
            yield error(f"Line {number} is no metric: {line[:80]!r}.", place=PATH, remedy=REMEDY)
            break
    return totals


CHECK = Check(
    name="metrics",
    shows="Its metrics are in the form that Prometheus reads, and count its requests.",
    findings=findings,
)

__all__ = ["CHECK"]
