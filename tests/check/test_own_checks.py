"""The project's own checks: found, carried out, and never the end of the others."""

import threading

import pytest

from sealift.check.suite import CHECKS, check_image, checks_of
from sealift.errors import CheckError

GOOD = """
from sealift.check.check import Check, error, info

def polite(target):
    answer = target.get("/v2/health/live")
    yield info(f"live: {answer.status}")
    if "please" not in answer.text:
        yield error("It does not say please.", place=answer.place, remedy="Be polite.")

CHECK = Check(name="polite", shows="It says please.", findings=polite)
"""
CRASHES = """
from sealift.check.check import Check

def crash(target):
    rows = target.subject.golden.rows
    yield from ()
    assert len(rows) == 0, "too many rows"

CHECKS = [Check(name="few", shows="It has few rows.", findings=crash)]
"""
IDLE = """
from sealift.check.check import Check

CHECK = Check(name="idle", shows="Nothing.", findings=lambda target: None)
"""


ODD = """
import sys, threading
from sealift.check.check import Check, info

def leaves(target):
    yield info("before")
    sys.exit(3)

def numbers(target):
    return [7]

def truth(target):
    return True

def waits(target):
    yield info("before")
    threading.Event().wait(3)

CHECKS = [
    Check(name=one.__name__, shows="Something.", findings=one, limit=0.5)
    for one in (leaves, numbers, truth, waits)
]
"""


@pytest.fixture
def folder(tmp_path):
    """A project's folder of checks."""
    made = tmp_path / "project" / "checks"
    made.mkdir(parents=True)
    return made


def results(world, folder):
    """What each check found, in order."""
    report = check_image(
        world.image(), world.bench(folder), project="p", model=None, progress=world.progress
    )
    return {one.name: one for one in report.results}


def test_they_are_carried_out_before_the_server_is_ended(world, folder):
    """Findings count like any others; what raises is one, with its line; the rest goes on."""
    (folder / "a_polite.py").write_text(GOOD)
    (folder / "b_few.py").write_text(CRASHES)
    (folder / "c_idle.py").write_text(IDLE)
    (folder / "_helper.py").write_text("1 / 0\n")
    found = results(world, folder)

    names = list(found)
    assert names[-5:] == ["polite", "few", "idle", "killed", "drain"]
    assert found["polite"].detail == "live: 200"
    assert found["polite"].findings[0].message == "It does not say please."
    assert found["few"].findings[0].message == "It raised AssertionError: too many rows."
    assert found["few"].findings[0].place == "checks/b_few.py, line 7"
    assert found["idle"].passed
    assert found["drain"].passed
    assert not (folder / "__pycache__").exists()


def test_a_release_wants_them_too(folder):
    """A report of before they were written is not enough."""
    (folder / "polite.py").write_text(GOOD)

    assert {one.name for one in checks_of(None, folder)} - {one.name for one in CHECKS} == {
        "polite"
    }
    assert checks_of(None, folder / "nowhere") == CHECKS


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("x = (\n", "SyntaxError", "checks/own.py, line 1"),
        ("import nowhere\n", "No module named 'nowhere'", "checks/own.py, line 1"),
        ("\n1 / 0\n", "ZeroDivisionError", "checks/own.py, line 2"),
        ("x = 1\n", "holds no check", "checks/own.py"),
        ("CHECK = 7\n", "7 is no check", "checks/own.py"),
        (GOOD.replace('"polite"', '"golden"'), "already", "checks/own.py"),
    ],
)
def test_a_file_that_holds_no_check_is_named_before_anything_starts(folder, text, words, place):
    """With what to do about it."""
    (folder / "own.py").write_text(text)

    with pytest.raises(CheckError, match=words) as caught:
        checks_of(None, folder)

    assert caught.value.where == place
    assert caught.value.remedy


def test_one_that_exits_hangs_or_finds_nonsense_is_a_finding(world, folder):
    """And what it found before is kept; the checks after it are made."""
    (folder / "odd.py").write_text(ODD)
    found = results(world, folder)

    assert found["leaves"].findings[0].message == "It raised SystemExit: 3."
    assert found["leaves"].detail == found["waits"].detail == "before"
    assert found["leaves"].findings[0].place == "checks/odd.py, line 7"
    assert found["numbers"].findings[0].message == "7 is no finding."
    assert "'bool' object is not iterable" in found["truth"].findings[0].message
    assert found["waits"].findings[0].message == "It did not end within 0.5 s, and was left behind."
    assert found["drain"].passed
    for left in threading.enumerate():
        if "carry_out" in left.name:
            left.join(30)


def test_a_file_that_exits_when_it_is_loaded_is_named(folder):
    """It does not end Sealift."""
    (folder / "gone.py").write_text("import sys\nsys.exit(3)\n")

    with pytest.raises(CheckError, match="cannot be loaded: SystemExit: 3") as caught:
        checks_of(None, folder)

    assert caught.value.where == "checks/gone.py, line 2"
