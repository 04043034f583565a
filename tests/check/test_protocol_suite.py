"""The rules as a suite of tests: Sealift's own server passes it, a faulty one does not."""

import warnings

import pytest
from oip_server import Server as Stub
from real_models import delays, kinds, learn
from real_server import Serving
from rpc_server import RpcServer

from sealift.check.protocol.grade import RULES
from sealift.check.protocol.rpc.catalogue import RULES as RPC_RULES
from sealift.check.protocol.suite import (
    ProtocolSuite,
    ProtocolWarning,
    RpcProtocolSuite,
    graded,
    graded_rpc,
)

EXAMPLE = {
    "inputs": [
        {"name": "carrier", "shape": [1, 1], "datatype": "BYTES", "data": ["DL"]},
        {"name": "hour", "shape": [1, 1], "datatype": "INT64", "data": [7]},
        {"name": "distance", "shape": [1, 1], "datatype": "FP32", "data": [250.5]},
    ]
}
"""The carrier is one of a closed list, which nobody can guess."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A process of its own, of a model that was learnt from a table."""
    folder = learn(delays, tmp_path_factory.mktemp("model"))
    log = tmp_path_factory.mktemp("log")
    serving = Serving(folder, log)
    with serving as url, graded(url, example=EXAMPLE) as known:
        known.grpc = serving.grpc
        yield known


@pytest.fixture(scope="module")
def remote(ours):
    """The same process, learnt over gRPC."""
    with graded_rpc(ours.grpc, rest=ours) as known:
        yield known


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A process of a model with one input."""
    folder = learn(kinds, tmp_path_factory.mktemp("model"))
    with Serving(folder, tmp_path_factory.mktemp("log")) as url, graded(url) as known:
        yield known


class TestOurServer(ProtocolSuite):
    """Sealift's own server keeps every rule of every severity."""

    severities = ("must", "should", "unclear")
    # the model has no output of texts, and several inputs
    rules = tuple(
        rule for rule in RULES if rule.name not in ("texts-come-back-as-texts", "raw-request")
    )

    @pytest.fixture
    def server(self, ours):
        """The process."""
        return ours


class TestOurServerOfOneInput(ProtocolSuite):
    """And the rule of models with one input, on such a model."""

    severities = ("must", "should", "unclear")
    rules = tuple(rule for rule in RULES if rule.name in ("raw-request", "server-is-unharmed"))

    @pytest.fixture
    def server(self, alone):
        """The process."""
        return alone


UNJUDGED = {
    "grpc-numbers-out-of-range",  # no input of 8 or 16 bits
    "grpc-halves-are-raw",
    "grpc-reflection-lists-the-service",
}
"""What neither the model nor the server has."""


class TestOurRpcServer(RpcProtocolSuite):
    """And so it does over gRPC, where it says the same."""

    severities = ("must", "should", "unclear")
    rules = tuple(rule for rule in RPC_RULES if rule.name not in UNJUDGED)

    @pytest.fixture
    def server(self, remote):
        """The same process over gRPC."""
        return remote


def one(name):
    """A rule by its name."""
    return next(rule for rule in (*RULES, *RPC_RULES) if rule.name == name)


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


def test_over_grpc_what_must_be_fails_and_what_should_be_warns():
    """With the call that shows it."""
    with RpcServer("any-model", "plain") as stub, graded_rpc(stub.address) as server:
        with pytest.raises(AssertionError, match=r"(?s)Inference, errors.*grpcurl"):
            RpcProtocolSuite().test_rule(one("grpc-unknown-model"), server)
        with pytest.warns(ProtocolWarning, match="PROJECT_FORMAT"):
            RpcProtocolSuite().test_rule(one("grpc-platform-form"), server)
