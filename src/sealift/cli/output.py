"""What the command line shows: data on standard output, talk on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from sealift import clock
from sealift.cli.tables import lay_out
from sealift.errors import SealiftError

BEGINS = frozenset({"running", "building"})
"""Statuses of work that goes on."""
UNCHANGED = "unchanged"
SELDOM = 30.0
"""Seconds between two lines about a piece of work that goes on, where there is no terminal."""
STYLES = {"error": "bold red", "warning": "yellow", "info": "dim", "good": "green"}


class Talk:
    """Progress for a person, a line for each thing that happened; implements ``Progress``."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._began = clock.monotonic()

    def step(self, name: str, status: str) -> None:
        """A named piece of work reached a status."""
        passed = clock.monotonic() - self._began
        if not self._console.is_terminal:  # thousands of lines: drawing them takes its time
            self._console.file.write(f"{passed:6.1f}s  {name:<14}  {status}\n")
            return
        self._console.print(
            f"[dim]{passed:6.1f}s[/dim]  [bold]{escape(name):<14}[/bold]  {escape(status)}",
            soft_wrap=True,
        )

    def say(self, text: str) -> None:
        """A line of talk."""
        self._console.print(escape(text), soft_wrap=True)


class Work(Talk):
    """Talk about long work: on a terminal, all that goes on stands below, a line for each piece.

    ``told`` says that the answer names each piece again: then its end needs no line. What is
    unchanged never gets one. A status such as "running, loss 0.3" tells how a piece goes on: where
    there is no terminal, once in half a minute.
    """

    def __init__(self, *, told: bool = False) -> None:
        super().__init__()
        self._told = told
        self._going: dict[str, Going] = {}
        self._live = Live(
            console=self._console,
            get_renderable=lambda: shown(self._going, self._console.height),
            transient=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, name: str, status: str) -> None:
        """A named piece of work reached a status."""
        word, _, more = status.partition(", ")
        begins = word in BEGINS
        late = True
        if begins:
            going = self._going.setdefault(name, Going(clock.monotonic()))
            going.more = more
            late = not more or going.due()
        else:
            self._going.pop(name, None)
        self._show()
        hidden = begins and (self._console.is_terminal or not late)
        if not (self._told or hidden or status == UNCHANGED):
            super().step(name, status)

    def _show(self) -> None:
        if self._going and self._console.is_terminal:
            self._live.start()
        elif not self._going:
            self._live.stop()


@dataclass
class Going:
    """A piece of work that goes on: since when, when that was told, and how."""

    since: float
    told: float = 0.0
    more: str = ""

    def due(self) -> bool:
        """Whether it is time to tell more of it; then it counts as told."""
        if clock.monotonic() - max(self.told, self.since) < SELDOM:
            return False
        self.told = clock.monotonic()
        return True


def shown(going: Mapping[str, Going], height: int) -> Text:
    """A line for each piece that goes on, as many as fit on half of a terminal."""
    room = max(1, height // 2)
    now = clock.monotonic()
    lines = [
        f"{now - one.since:6.1f}s  {name:<14}  {one.more or 'running'}"
        for name, one in list(going.items())[:room]
    ]
    if len(going) > room:
        lines.append(f"         and {len(going) - room} more")
    return Text("\n".join(lines), style="dim", no_wrap=True, overflow="ellipsis")


@contextmanager
def if_interrupted(talk: Talk, text: str) -> Iterator[None]:
    """Inside, an interruption is told what it leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        talk.say(text)
        raise


class Page:
    """The answer of a command: tables and lines for a person, or one JSON value."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = Console(highlight=False, soft_wrap=True)

    def value(self, value: object) -> None:
        """The whole answer as JSON; nothing in human form."""
        if self._json:
            plain = msgspec.to_builtins(value, str_keys=True)
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
            sys.stdout.write("\n")

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str = "") -> None:
        """A table for a person, or a line that says why there is none; nothing in JSON form.

        It fits a terminal; in a pipe or a file each record is one whole line.
        """
        if self._json:
            return
        if not rows:
            self.line(empty)
            return
        width = self._console.width if self._console.is_terminal else None
        for line, heading in lay_out(heads, rows, width):
            self._console.print(escape(line), style="bold" if heading else "")

    def line(self, text: str, style: str = "") -> None:
        """A line for a person; nothing in JSON form, and none for an empty one."""
        if text and not self._json:
            self._console.print(escape(text), style=STYLES.get(style, ""))


def explain(error: SealiftError) -> None:
    """An error on standard error: what happened, where, what to do next."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]error:[/bold red] {escape(error.what)}", soft_wrap=True)
    if error.where:
        console.print(f"   [bold]at:[/bold] {escape(error.where)}", soft_wrap=True)
    if error.remedy:
        console.print(f" [bold]next:[/bold] {escape(error.remedy)}", soft_wrap=True)


def moment(at: float | None) -> str:
    """An instant for a person, in local time."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def number(value: float | None, digits: int = 4) -> str:
    """A number for a person: ``digits`` significant digits, a hyphen for none.

    >>> number(25.66666), number(None), number(1234567.0)
    ('25.67', '-', '1,234,567')
    """
    if value is None:
        return "-"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


__all__ = ["Page", "Talk", "Work", "explain", "if_interrupted", "moment", "number"]
