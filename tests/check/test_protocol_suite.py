"""The rules as a suite of tests: Sealift's own server passes it, a faulty one does not."""

import warnings

import pytest
from oip_server import Server as Stub
from real_models import delays, learn
from real_server import Serving

from sealift.check.protocol.grade import RULES
from sealift.check.protocol.suite import ProtocolSuite, ProtocolWarning, graded

EXAMPLE = {
    "inputs": [
        {"name": "carrier", "shape": [1, 1], "datatype": "BYTES", "data": ["DL"]},
        {"name": "hour", "shape": [1, 1], "datatype": "INT64", "data": [7]},
        {"name": "distance", "shape": [1, 1], "datatype": "FP32", "data": [250.5]},
    ]
}
"""The carrier is one of a closed list, which nobody can guess."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A process of its own, of a model that was learnt from a table."""
    folder = learn(delays, tmp_path_factory.mktemp("model"))
    log = tmp_path_factory.mktemp("log")
    with Serving(folder, log) as url, graded(url, example=EXAMPLE) as known:
        yield known


class TestOurServer(ProtocolSuite):
    """Sealift's own server keeps every rule of every severity."""

    severities = ("must", "should", "unclear")
    # the model has no output of texts
    rules = tuple(rule for rule in RULES if rule.name != "texts-come-back-as-texts")


def one(name):
    """A rule by its name."""
    return next(rule for rule in RULES if rule.name == name)


def test_what_must_be_fails_with_the_request_that_shows_it():
    """And the passage of the specification."""
    with (
        Stub("no-id") as stub,
        graded(stub.url) as server,
        pytest.raises(AssertionError, match=r"(?s)JSON Object, id.*curl"),
    ):
        ProtocolSuite().test_rule(one("id-comes-back"), server)


def test_what_should_be_warns_unless_it_is_asked_for():
    """By ``severities`` of the class."""

    class Strict(ProtocolSuite):
        severities = ("must", "should")

    with Stub("plain") as stub, graded(stub.url) as server:
        with pytest.warns(ProtocolWarning, match="PROJECT_FORMAT"):
            ProtocolSuite().test_rule(one("platform-form"), server)
        with pytest.raises(AssertionError):
            Strict().test_rule(one("platform-form"), server)


def test_what_is_unclear_passes():
    """Without a word."""
    with Stub() as stub, graded(stub.url) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        ProtocolSuite().test_rule(one("unknown-members"), server)
