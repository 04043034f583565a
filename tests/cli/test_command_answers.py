"""What the command line shows: help, tables, JSON."""

import os
import re

import pytest

from sealift.cli.commands import COMMANDS

VERBS = [name for name in COMMANDS if name not in ("keys", "runs")]
ASKED = ("data", "status", "releases", "models", "runs", "watch", "doctor", "down")


@pytest.mark.parametrize("verb", [*VERBS, "runs", "runs show", "runs output"])
def test_every_command_explains_itself(empty, verb):
    """What it does, and every option in words; no project is needed."""
    said = empty(*verb.split(), "--help", COLUMNS="80")
    assert said.code == 0
    assert said.answer.startswith(f"Usage: sealift {verb}")
    options = [line for line in said.answer.splitlines() if line.startswith("  -")]
    assert all(len(line.split(maxsplit=1)) == 2 for line in options)
    assert verb == "schema" or "--json" in said.answer
    assert said.talk == ""


def test_the_list_of_commands_fits_a_terminal_of_80_columns(empty):
    """No sentence is cut off, and the version is a line of its own."""
    said = empty("--help", COLUMNS="80")
    assert {*VERBS, "runs"} <= set(said.answer.split())
    assert "..." not in said.answer.partition("Commands:")[2]
    assert empty("--version").answer.startswith("sealift ")


@pytest.mark.parametrize("verb", ASKED)
def test_with_json_standard_output_is_one_value(tiny, verb):
    """Also in a project where nothing has happened yet."""
    said = tiny(verb, "--json")
    assert said.code in (0, 4)  # doctor: a machine may lack something, and still answers
    assert isinstance(said.value, list | dict)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("runs", "sealift train"),
        ("models", "add [model] to sealift.toml"),
        ("releases", "sealift "),
    ],
)
def test_an_empty_list_says_what_to_do_next(tiny, verb, what):
    """Instead of the heads of an empty table."""
    said = tiny(verb)
    assert said.code == 0
    assert f"yet; next: {what}" in said.answer


def test_a_reader_that_has_enough_is_no_error_to_talk_about(tiny):
    """As with `sealift schema | head -1`."""
    for verb in ("schema", "data"):
        process = tiny.start(verb)
        process.stdout.close()
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.wait(30) in (0, 1)


def test_names_are_shown_as_they_are(tiny):
    """What looks like markup is text, and no colour goes into a file."""
    (tiny.folder / "data" / "[red]x.csv").write_text("delay\n4\n")
    said = tiny("data", "--json", NO_COLOR="1")
    assert "data/[red]x.csv" in said.answer
    plain = tiny("train", "--param", "[red]=1")
    assert "'[red]'" in plain.talk
    assert "\x1b" not in plain.talk


def test_a_narrow_terminal_folds_and_loses_nothing(tiny):
    """At 30 columns the digest is still there, and no line is longer."""
    digest = tiny("data", "--json").value[0]["digest"].partition(":")[2][:12]
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as seen:
        process = tiny.start("data", stdout=theirs, COLUMNS="30", NO_COLOR="1")
        assert process.wait(30) == 0
        os.close(theirs)
        process.stderr.close()
        text = re.sub(r"\x1b\[[0-9;]*m", "", seen.read(65536).decode())
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= 30
    assert digest in "".join(line.split()[-1] for line in lines[1:])
