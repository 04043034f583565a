"""Damaged requests for compiled code: a short form of the campaign."""

from benchmarks.serving.tools import compiled


def test_nothing_is_read_beyond_a_request_and_nothing_otherwise():
    """Numbers of all kinds and damage by rules, at the very end of readable memory."""
    found = compiled.tried(3000, 5)
    assert found["faults"] == []
    assert 0 < found["read"] < found["count"]
