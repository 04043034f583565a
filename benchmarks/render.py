"""Pages of the docs from results: a table a measure, with ratios to ours."""

from __future__ import annotations

import textwrap

from benchmarks import result
from benchmarks.result import ROOT, Result

HEAD = "<!-- Made from benchmarks/{stage}/results and method.md (`make docs`); do not edit. -->\n"


def page(stage: str) -> str:
    """The page of a stage: its method, then every measure that was kept."""
    parts = [HEAD.format(stage=stage) + (ROOT / stage / "method.md").read_text()]
    groups = result.load(stage)
    if groups:
        parts.append(overview([one for found in groups.values() for one in found]))
    for found in groups.values():
        parts += [section(one) for one in found]
    return "\n".join(parts)


def overview(results: list[Result]) -> str:
    """The measures that have a limit, and whether ours keeps it."""
    rows = ["## Limits", "", "| measure | ours | limit | kept |", "|---|---|---|---|"]
    for one in results:
        kept = result.keeps(one)
        if kept is None or one.ours is None or one.limit is None:
            continue
        ours, limit = (amount(value, one.unit) for value in (one.ours, one.limit))
        answer = "yes" if kept else "**no**"
        rows.append(f"| {one.measure} | {ours} | {limit}: {one.rule} | {answer} |")
    return "\n".join([*rows, ""])


def section(one: Result) -> str:
    """One measure: ours, the rivals from the best to the worst, and who has no number."""
    parts = [f"## {one.measure[:1].upper()}{one.measure[1:]}", "", origin(one), ""]
    parts += ["| | median | lowest to highest | times ours |", "|---|---|---|---|"]
    if one.ours is not None:
        parts.append(row("**Sealift**", one, "ours", one.ours))
    order = sorted(one.rivals, key=lambda name: one.rivals[name], reverse=one.better == "more")
    parts += [row(name, one, name, one.rivals[name]) for name in order]
    if one.absent:
        parts += ["", "Without a number:", ""]
        reasons = sorted(one.absent.items())
        parts += [_wrapped(f"- {name}: {reason}", "  ") for name, reason in reasons]
    return "\n".join([*parts, ""])


def origin(one: Result) -> str:
    """Which samples the numbers come from."""
    better = "Less is better" if one.better == "less" else "More is better"
    count = "one sample" if one.repeats == 1 else f"up to {one.repeats} samples"
    return _wrapped(f"{better}; {count}, {one.date}, commit {one.commit}, {one.machine}.")


def _wrapped(text: str, hang: str = "") -> str:
    """A paragraph in lines of at most 100 characters."""
    return textwrap.fill(
        text, 100, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def row(title: str, one: Result, name: str, value: float) -> str:
    """A line of a table."""
    found = one.samples.get(name) or [value]
    spread = f"{amount(min(found), one.unit)} to {amount(max(found), one.unit)}"
    times = result.ratio(one, name) if name != "ours" else 1.0
    told = "" if times is None else f"{times:.2f}"
    return f"| {title} | {amount(value, one.unit)} | {spread} | {told} |"


def amount(value: float, unit: str) -> str:
    """A number with three digits that matter, and its unit.

    >>> amount(12.3456, "s"), amount(0.01234, "s"), amount(59984.6, "kB"), amount(0.0, "MB")
    ('12.3 s', '0.0123 s', '59,985 kB', '0 MB')
    """
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


__all__ = ["amount", "page"]
