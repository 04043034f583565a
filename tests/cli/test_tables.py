"""Tables stay readable in narrow terminals, leave nothing out, and are whole in a pipe."""

import os
import pty
import subprocess

import pytest
from rich.cells import cell_len

from sealift.adapters.databases.sqlite import Sqlite
from sealift.cli.tables import lay_out
from sealift.testing.ledger_suite import release, run

HEADS = ("run", "status", "started", "by", "metrics", "why")
ROWS = [
    (f"2026010{day}-000000-aaaaaa", "done", "2026-01-01 00:00:00", "root", "mae=25.4 " * 5, why)
    for day, why in ((1, "first model"), (2, "Müller möchte 再訓練 " * 9))
]


def lines(width):
    """The table in a terminal of this width, or in a pipe."""
    return [line for line, _ in lay_out(HEADS, ROWS, width)]


def words(found):
    """All that is shown, in any order."""
    return sorted(word for line in found for word in line.split() if word not in HEADS)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(width):
    """Whichever form the table has."""
    found = lines(width)

    assert max(map(cell_len, found)) <= width
    assert words(found) == words(lines(None))


def test_in_a_pipe_each_record_is_one_line():
    """However long: a program reads it."""
    assert len(lines(None)) == 1 + len(ROWS)


def test_columns_stand_under_their_heads_while_there_is_room():
    """At 120 columns long texts are wrapped inside of their columns."""
    found = lines(120)

    assert found[0].split() == list(HEADS)
    assert all(line.startswith(("2026", " ")) for line in found[1:])


def test_a_narrow_terminal_gets_a_block_for_each_record():
    """With an empty line between."""
    found = lines(60)

    assert found[0] == "run      20260101-000000-aaaaaa"
    assert found.count("") == 1


@pytest.fixture
def busy(tiny):
    """A project with a run and a release."""
    (tiny.folder / ".sealift").mkdir(mode=0o700)
    db = Sqlite(tiny.folder / ".sealift" / "ledger.db")
    db.save(run("20260101-000000-aaaaaa", comment="because " * 30))
    db.save(release("20260101-000001-bbbbbb", comment="because " * 30))
    db.close()
    return tiny


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verb", ["status", "runs", "models", "releases", "runs show aaaaaa"])
def test_the_tables_of_every_command_fit_a_real_terminal(busy, verb, width):
    """Its lines of talk may wrap; its tables never do."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        busy.words(*verb.split()),
        cwd=busy.folder,
        env=os.environ | {"COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    said = read_all(ours)

    assert child.wait(30) == 0
    plain = [line for line in said.splitlines() if not line.startswith("release 2026")]
    assert max(map(len, strip(plain))) <= width


def read_all(handle):
    """Everything until the other side is closed."""
    found = b""
    try:
        while piece := os.read(handle, 4096):
            found += piece
    except OSError:
        pass
    os.close(handle)
    return found.decode()


def strip(found):
    """Lines without the marks for bold text."""
    return [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in found]


def test_in_a_pipe_the_commands_leave_lines_whole(busy):
    """The long reason stands in one line."""
    assert "because " * 29 in busy("runs", COLUMNS="60").answer
