"""What a person asks for is in the record, with who asked, before anything is done about it."""

import pytest
from releasing import World, first

from sealift.errors import UsageError
from sealift.release.transitions import ask


def test_the_diary_says_who_asked(tmp_path):
    """And the controller does it at its next step."""
    world = first(tmp_path)
    world.ask(2)
    asked = ask(world.release, "promote", by="ada", now=world.time)
    world.ledger.save(asked)
    release = world.finish()

    assert release.events[0].what == "ada asked for model 2 to be promoted."
    assert release.outcome == "promoted"


def test_nothing_can_be_asked_of_a_release_that_has_ended(tmp_path):
    """The error says what to do instead."""
    world = first(tmp_path)
    with pytest.raises(UsageError, match=r"has ended \(promoted\)"):
        ask(world.release, "rollback", by="ada", now=world.time)


def test_what_goes_back_goes_back(tmp_path):
    """A rollback is not called off half way; asking for it again is harmless."""
    world = World(tmp_path)
    world.ask(1)
    world.until(lambda one: one.state == "promoting")
    world.wish("rollback")
    release = world.until(lambda one: one.state == "rolling-back")
    with pytest.raises(UsageError, match="is being rolled back"):
        ask(release, "promote", by="ada", now=world.time)
    world.ledger.save(ask(release, "rollback", by="ada", now=world.time))

    assert world.finish().outcome == "rolled-back"
