"""Which step comes next."""

from sealift.record.parse import parse
from sealift.train.agenda import Agenda
from sealift.train.cards import wanted
from sealift.train.plan import plan

PROJECT = """\
name = "p"

[steps.one]
run = "true"
writes = { a = "a" }

[steps.wide]
run = "true"
cpus = 2

[steps.two]
run = "true"
reads = ["one.a"]
writes = { b = "b" }

[steps.three]
run = "true"
reads = ["one.a", "two.b"]
"""


def begun(agenda, planned, free):
    """The names of all that may begin with so many cores free."""
    found = []
    while (place := agenda.next(free)) is not None:
        found.append(planned[place].name)
    return found


def agenda():
    """The agenda of the project, and its plan."""
    planned = plan(parse(PROJECT, where="sealift.toml"), {})
    return Agenda(planned), planned


def test_a_step_begins_once_all_it_needs_is_done():
    """And no step is given out twice."""
    todo, planned = agenda()

    assert begun(todo, planned, 9) == ["one", "wide"]
    assert begun(todo, planned, 9) == []
    todo.ended("one", well=True)
    assert begun(todo, planned, 9) == ["two"]
    todo.ended("wide", well=True)
    todo.ended("two", well=True)
    assert begun(todo, planned, 9) == ["three"]
    assert todo.lost() is None


def test_a_step_that_asks_for_too_many_cores_lets_others_pass():
    """It is given out as soon as there are enough."""
    todo, planned = agenda()

    assert begun(todo, planned, 1) == ["one"]
    assert begun(todo, planned, 1) == []
    assert begun(todo, planned, 2) == ["wide"]


def test_what_needs_a_step_that_failed_is_lost_at_once():
    """Those behind it follow when it is said that it was skipped."""
    todo, planned = agenda()
    begun(todo, planned, 9)
    todo.ended("one", well=False)

    lost = planned[todo.lost()].name
    assert lost == "two"
    todo.ended("two", well=False)
    assert planned[todo.lost()].name == "three"
    assert todo.lost() is None
    assert begun(todo, planned, 9) == []


CARDS = """\
name = "cards"
[steps.one]
run = "true"
cpus = 1
gpus = 1
[steps.all]
run = "true"
gpus = "all"
[steps.none]
run = "true"
[steps.two]
run = "true"
gpus = 2
"""


def names(todo, planned, cores, cards):
    """The names of all that may begin with so many cores and cards free."""
    found = []
    while (place := todo.next(cores, cards)) is not None:
        found.append(planned[place].name)
        cards -= wanted(planned[place].step, 2)
    return found


def test_steps_that_run_at_once_never_share_a_graphics_card():
    """One that asks for more than are free waits, and lets others pass."""
    planned = plan(parse(CARDS, where="sealift.toml"), {})
    todo = Agenda(planned, 2)

    assert names(todo, planned, 9, 2) == ["one", "none"]
    assert names(todo, planned, 9, 1) == []
    assert names(todo, planned, 9, 2) == ["all"]
    assert names(todo, planned, 9, 2) == ["two"]


def test_where_others_hand_out_the_cards_no_step_waits_for_one():
    """Such as a cluster, which knows its own."""
    planned = plan(parse(CARDS, where="sealift.toml"), {})

    assert len(begun(Agenda(planned, None), planned, 9)) == 4
