"""A sheet as one page of HTML that needs nothing else: no script, no font, no picture."""

from __future__ import annotations

from html import escape

from sealift import clock
from sealift.check.outcome.sheet import Line, Note, Sheet, Status

WORDS: dict[Status, str] = {
    "failed": "failed",
    "warned": "warned",
    "passed": "passed",
    "open": "unclear",
    "spared": "not applicable",
}
STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d8dee4;--paper:#fff;
--box:#f6f8fa;--failed:#c4242b;--warned:#a15c00;--passed:#1a7f37;--open:#0a62b0;--spared:#6e7781}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--line:#30363d;
--paper:#0d1117;--box:#161b22;--failed:#ff7b72;--warned:#e3a341;--passed:#56d364;--open:#79c0ff;
--spared:#8b949e}}
body{margin:2rem auto;max-width:62rem;padding:0 1rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0 0 1rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.verdict{font-size:1.25rem;font-weight:600;margin:1rem 0 .6rem;padding:.7rem 1rem;
border-left:.4rem solid currentColor;background:var(--box);border-radius:.3rem}
.bar{display:flex;height:.55rem;border-radius:.3rem;overflow:hidden;background:var(--line);
margin:0 0 .8rem}
.bar span{background:currentColor;min-width:2px}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:.5rem;padding:.3rem .8rem}
.counts b{font-size:1.2rem;margin-right:.3rem}
details,.line{border-top:1px solid var(--line);padding:.45rem 0}
summary,.line{display:grid;grid-template-columns:8.5rem 12rem 1fr 4rem;gap:.2rem .8rem;
cursor:pointer}
.seconds{color:var(--soft);text-align:right;font-variant-numeric:tabular-nums;font-size:.88rem}
.long summary,.long .line{grid-template-columns:8.5rem 16rem 1fr}
summary{list-style:none}summary::-webkit-details-marker{display:none}
summary .name::after{content:" \\25b8";color:var(--soft)}
details[open] summary .name::after{content:" \\25be"}
.line{cursor:default}.name{font-weight:600;overflow-wrap:anywhere}
.failed{color:var(--failed)}.warned{color:var(--warned)}.passed{color:var(--passed)}
.open{color:var(--open)}.spared{color:var(--spared)}
.status{font-weight:600}.source,.detail{color:var(--soft);font-size:.88rem}
.note{margin:.6rem 0 .6rem 1rem;padding-left:.8rem;border-left:3px solid var(--line)}
.note p{margin:.2rem 0}
pre{background:var(--box);border:1px solid var(--line);border-radius:.4rem;
padding:.5rem;margin:.3rem 0;
white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;max-height:14rem;overflow:auto}
@media(max-width:44rem){summary,.line,.long summary,.long .line{grid-template-columns:1fr}
.seconds{text-align:left}}
@media print{body{margin:0;max-width:none}details,.line{break-inside:avoid}}
"""


def write(sheet: Sheet) -> bytes:
    """The page; what failed and what warns stands open."""
    about = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in sheet.about if value
    )
    counts = "".join(
        f'<li class="{status}"><b>{sheet.count(status)}</b>{word}</li>'
        for status, word in WORDS.items()
        if sheet.count(status)
    )
    bar = "".join(
        f'<span class="{status}" style="flex:{sheet.count(status)}"></span>'
        for status in WORDS
        if sheet.count(status)
    )
    marks: tuple[Status, ...] = ("failed", "warned")
    worst = next((one for one in marks if sheet.count(one)), "passed")
    kind = ' class="long"' if any(one.source for one in sheet.lines) else ""
    groups = "".join(
        f"<h2>{escape(group)}</h2>" + "".join(_line(one) for one in lines)
        for group, lines in sheet.groups().items()
    )
    title = escape(sheet.title)
    parts = (
        "<!doctype html>",
        f'<html lang="en"><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style>",
        f"<h1>{title}</h1>",
        f"<dl>{about}<dt>checked</dt><dd>{clock.stamp(sheet.started)}</dd></dl>",
        f'<p class="verdict {worst}">{escape(sheet.verdict)}</p>',
        f'<div class="bar" aria-hidden="true">{bar}</div>',
        f'<ul class="counts">{counts}</ul>',
        f"<main{kind}>{groups}</main>",
        "</html>",
    )
    return ("\n".join(parts) + "\n").encode(errors="replace")


def _line(one: Line) -> str:
    plain = one.level in ("", "error", "warning", WORDS[one.status])
    level = "" if plain else f" ({escape(one.level)})"
    detail = f'<div class="detail">{escape(one.detail)}</div>' if one.detail else ""
    source = f'<div class="source">{escape(one.source)}</div>' if one.source else ""
    head = (
        f'<span class="status {one.status}">{WORDS[one.status]}{level}</span>'
        f'<span class="name">{escape(one.name)}</span>'
        f"<div>{escape(one.shows)}{source}{detail}</div>"
    )
    if not one.source:
        head += f'<span class="seconds">{one.seconds:.2f} s</span>'
    if not one.notes:
        return f'<div class="line">{head}</div>\n'
    unfolded = " open" if one.status in ("failed", "warned") else ""
    notes = "".join(_note(note) for note in one.notes)
    return f"<details{unfolded}><summary>{head}</summary>{notes}</details>\n"


def _note(note: Note) -> str:
    place = f'<p class="source">{escape(note.place)}</p>' if note.place else ""
    remedy = f"<p>Next: {escape(note.remedy)}</p>" if note.remedy else ""
    shown = "".join(f"<pre>{escape(text)}</pre>" for text in (note.request, note.answer) if text)
    return f'<div class="note"><p>{escape(note.message)}</p>{place}{shown}{remedy}</div>'


__all__ = ["write"]
