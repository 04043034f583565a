"""The rules as a suite for pytest, for whoever writes a server.

Inherit ``ProtocolSuite`` in a module of tests, and give it a fixture ``server`` that learnt the
one to be graded::

    from sealift.check.protocol.suite import ProtocolSuite, graded

    @pytest.fixture(scope="module")
    def server():
        with graded("http://127.0.0.1:8000") as server:
            yield server

    class TestMyServer(ProtocolSuite):
        pass

For gRPC there is ``RpcProtocolSuite``, whose fixture ``server`` is made by ``graded_rpc``. There is
a test for each rule, named as it is. What the specification demands fails; what only
should be is a warning (``ProtocolWarning``), unless ``severities`` of the class names it too.
"""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sealift.check.protocol.grade import RULES, judged
from sealift.check.protocol.learn import learn
from sealift.check.protocol.rpc.catalogue import RULES as RPC_RULES
from sealift.check.protocol.rpc.learn import learn as learn_remote
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Rule, Severity, Subject
from sealift.check.protocol.server import Server
from sealift.types import Json


class ProtocolWarning(UserWarning):
    """A rule is broken that the specification does not insist on."""


@contextmanager
def graded(
    address: str, *, model: str = "", example: dict[str, Json] | None = None
) -> Iterator[Server]:
    """A server that was learnt, as long as the block runs; the same words as ``learn``."""
    with Server(address) as server:
        learn(server, model=model, example=example)
        yield server


@contextmanager
def graded_rpc(
    address: str,
    *,
    rest: Server | None = None,
    model: str = "",
    example: dict[str, Json] | None = None,
) -> Iterator[Remote]:
    """A server at ``HOST:PORT`` that was learnt over gRPC; ``rest`` is the same one over HTTP.

    ``example`` is the body of a REST request, as for ``graded``.
    """
    remote = Remote(address, rest=rest)
    learn_remote(remote, model=model, example=example)
    yield remote


def _held(subject: Subject, rule: Rule[Subject], severities: tuple[Severity, ...]) -> None:
    """Fail, warn or skip by what a rule finds."""
    verdict = judged(subject, rule)
    if verdict.outcome == "spared":
        raise unittest.SkipTest(verdict.detail)
    if verdict.outcome != "broken":
        return
    told = "\n".join(f"{one.message}\n  {one.request}\n  {one.answer}" for one in verdict.shown)
    text = f"{verdict.demands} ({verdict.passage})\n{told}"
    if verdict.severity in severities:
        raise AssertionError(text)
    warnings.warn(text, ProtocolWarning, stacklevel=3)


def _tests(metafunc: Any) -> None:
    """Make a test of each rule."""
    if "rule" in metafunc.fixturenames:
        rules = metafunc.cls.rules
        metafunc.parametrize("rule", rules, ids=[one.name for one in rules])


class ProtocolSuite:
    """A test for each rule of HTTP/REST."""

    severities: ClassVar[tuple[Severity, ...]] = ("must",)
    """The severities of faults that fail a test."""

    rules: ClassVar[tuple[Rule[Server], ...]] = RULES

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test of each rule."""
        _tests(metafunc)

    def test_rule(self, rule: Rule[Server], server: Server) -> None:
        """The server keeps the rule."""
        _held(server, rule, self.severities)


class RpcProtocolSuite:
    """A test for each rule of gRPC."""

    severities: ClassVar[tuple[Severity, ...]] = ("must",)
    """The severities of faults that fail a test."""

    rules: ClassVar[tuple[Rule[Remote], ...]] = RPC_RULES

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test of each rule."""
        _tests(metafunc)

    def test_rule(self, rule: Rule[Remote], server: Remote) -> None:
        """The server keeps the rule."""
        _held(server, rule, self.severities)


__all__ = ["ProtocolSuite", "ProtocolWarning", "RpcProtocolSuite", "graded", "graded_rpc"]
