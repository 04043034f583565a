"""The engine in memory does what a stage may ask of an engine."""

import pytest

from sealift.digest import of_bytes
from sealift.errors import MachineError, NotFoundError
from sealift.record.container import ContainerSpec
from sealift.testing.engine import MemoryEngine

LABELS = {"a": "b", "c": "d"}


@pytest.fixture
def spec(tmp_path):
    """Some container."""
    return ContainerSpec(
        name="x", image=of_bytes(b""), argv=("true",), labels=LABELS, log=str(tmp_path / "log")
    )


def test_a_container_is_a_function(spec):
    """Its status is what the function returns; what was asked for is kept."""
    engine = MemoryEngine(lambda asked: len(asked.argv))

    assert engine.run(spec).status == 1
    assert engine.ran == [spec]


def test_a_timeout_shorter_than_the_run_kills(spec):
    """The function is then never called."""
    ended = MemoryEngine(lambda _: 1 // 0, seconds=2.0).run(spec, timeout=1.0)

    assert (ended.status, ended.seconds, ended.timed_out) == (137, 1.0, True)


def test_what_was_started_is_found_until_it_is_stopped(spec):
    """By any part of its labels; one that crashed is found and does not run."""
    engine = MemoryEngine()
    container = engine.start(spec)

    assert engine.find({"a": "b"}) == [container]
    assert engine.find({"a": "x"}) == []
    engine.crash(container)
    assert [one.running for one in engine.find({})] == [False]
    engine.stop(container, grace=1.0)
    engine.stop(container, grace=1.0)
    assert engine.find({}) == []
    with pytest.raises(NotFoundError):
        engine.crash(container)


def test_any_effect_can_be_made_to_fail(spec):
    """Before it happens."""

    def fault(effect, name):
        if effect == "start":
            raise MachineError(f"No room for {name}.")

    engine = MemoryEngine(fault=fault)
    with pytest.raises(MachineError, match="No room for x"):
        engine.start(spec)

    assert engine.find({}) == []
    assert engine.run(spec).status == 0
