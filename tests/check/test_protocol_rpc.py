"""The rules of gRPC: a server that keeps them breaks none, and each is seen to be broken."""

import json
import shlex

import pytest
from google.protobuf import json_format
from oip_server import Server as RestServer
from rpc_server import INPUTS, RpcServer
from tritonclient.grpc import service_pb2 as pb

from sealift.check.protocol.grade import RULES as REST_RULES
from sealift.check.protocol.grade import by, judged
from sealift.check.protocol.learn import learn as learn_rest
from sealift.check.protocol.rpc.catalogue import RULES
from sealift.check.protocol.rpc.learn import learn
from sealift.check.protocol.rpc.remote import INFER, Remote
from sealift.check.protocol.server import Server
from sealift.errors import CheckError, MachineError, UsageError

HALVES = {"x": ("FP16", 2), "word": ("BYTES", 0)}
SHARED = {name: INPUTS[name] for name in ("x", "word")}
"""The inputs that the server of HTTP/REST has."""

BY_NAME = {one.name.removeprefix("grpc-"): one for one in RULES}


class Silent:
    """Progress that nobody looks at."""

    def step(self, name, status):
        """A piece of work reached a status."""

    def say(self, text):
        """A line of talk."""


class Kept(Remote):
    """A server whose calls are kept."""

    def __init__(self, address, **more):
        super().__init__(address, **more)
        self.calls = []

    def send(self, *words, **more):
        """Make a call, and keep it."""
        self.calls.append(super().send(*words, **more))
        return self.calls[-1]


def learnt(stub, kind=Remote, **more):
    """A server of which the model is known."""
    remote = kind(stub.address, patience=more.pop("patience", 20), **more)
    learn(remote)
    return remote


@pytest.fixture(scope="module")
def sound():
    """A server without faults, all of its calls, and its grade."""
    with RpcServer() as stub:
        remote = learnt(stub, Kept)
        yield remote, by(remote, Silent(), RULES)


def test_a_server_that_keeps_the_protocol_breaks_no_rule(sound):
    """What is not judged is what it has no input for, and what REST would say."""
    verdicts = sound[1].verdicts
    by_outcome = {
        kind: {one.rule for one in verdicts if one.outcome == kind} for kind in ("broken", "spared")
    }

    assert by_outcome == {
        "broken": set(),
        "spared": {
            "grpc-halves-are-raw",
            "grpc-server-is-the-same",
            "grpc-model-is-the-same",
            "grpc-answers-are-the-same",
            "grpc-errors-are-the-same",
        },
    }
    assert sound[1].passed


def test_halves_can_only_be_raw():
    """The model is learnt by raw contents, and typed ones are not judged."""
    with RpcServer(inputs=HALVES) as stub:
        remote = learnt(stub)
        found = {one.name: judged(remote, one).outcome for one in RULES if "errors" in one.topic}

    assert remote.raw
    assert found["grpc-halves-are-raw"] == "kept"
    assert "broken" not in found.values()


FAULTS = {
    "not-live": "server-live",
    "not-ready": "server-ready",
    "model-not-ready": "model-ready",
    "version-not-ready": "version-is-ready",
    "any-model": "unknown-model-is-not-ready metadata-of-an-unknown-model unknown-model",
    "no-version-told": "server-metadata",
    "other-name": "model-metadata",
    "plain": "platform-form",
    "odd-datatype": "tensor-metadata outputs-as-told",
    "odd-shape": "outputs-as-told",
    "no-versions": "versions-can-be-asked version-is-ready",
    "any-version": "metadata-of-an-unknown-version unknown-version",
    "misnamed": "answer-names-the-model",
    "wrong-shape": "contents-fill-the-shape",
    "raw-only": "typed-contents",
    "typed-only": "raw-contents",
    "both-forms": "raw-contents",
    "first-output": "all-outputs-by-default",
    "all-outputs": "outputs-can-be-chosen",
    "by-order": "inputs-go-by-name",
    "one-row": "batches-are-whole",
    "no-id": "id-comes-back calls-at-once",
    "mixes-ids": "id-comes-back calls-at-once",
    "no-string_param": "unknown-parameters-do-no-harm",
    "fickle": "same-again server-is-unharmed server-lives-on",
    "forgives": "request-without-inputs",
    "any-inputs": "missing-input",
    "extra-taken": "input-of-another-name",
    "any-datatype": "unknown-datatype",
    "any-member": "contents-of-another-datatype",
    "mixed": "both-kinds-of-contents",
    "any-raw-number": "number-of-raw-contents",
    "any-count": "raw-contents-of-another-size typed-contents-of-another-size",
    "any-shape": "shape-that-is-none shape-too-large-to-count",
    "dies-of-size": "shape-too-large-to-count",
    "cuts-down": "numbers-out-of-range",
    "typed-halves": "halves-are-raw",
    "any-length": "text-beyond-the-end raw-texts-have-a-length",
    "no-long-texts": "texts-of-any-letters",
    "any-method": "unknown-method",
    "other-type": "answers-in-form",
    "bad-gateway": "answers-in-form",
    "no-status": "answers-in-form unknown-model",
    "bare-reason": "reasons-are-escaped",
    "any-media": "another-media-type",
    "one-media": "another-media-type",
    "no-metadata": "unknown-metadata",
    "hangs": "deadline-that-is-over",
    "odd-late": "deadline-that-is-over",
    "no-hours": "deadline-that-is-far",
    "ends-on-reset": "calls-that-are-given-up",
    "answers-twice": "nothing-after-the-end",
    "no-ping": "pings-are-answered",
    "any-message": "bytes-that-are-no-message",
    "dies": "bytes-that-are-no-message",
    "no-new-members": "unknown-members",
    "one-form": "numbers-one-by-one repeated-members",
    "first-wins": "repeated-members",
    "cut-off": "message-that-is-cut-off",
    "any-number": "not-one-message",
    "any-size": "message-too-large",
    "cuts-gzip": "compressed-message",
    "any-coding": "unknown-compression",
    "no-accept": "unknown-compression",
    "any-flag": "compressed-without-encoding",
    "any-bytes": "compressed-wrongly",
    "chokes": "message-that-swells",
    "not-serving": "health-service",
    "any-health": "health-of-an-unknown-service",
    "lists-nothing": "reflection-lists-the-service",
    "no-state": "repository-lists-the-model",
    "no-count": "statistics-count",
    "other-config": "configuration-names-the-model",
    "stream-of-others": "stream-is-tritons",
    "stream-without-ids": "stream-is-answered",
    "stream-ends": "stream-tells-errors",
    "all-unknown": "unknown-model missing-input what-is-not-ready",
    "no-reason": "unknown-model unknown-datatype",
}
"""Faults, and rules that they break; ``RpcServer`` says what each is."""

OTHERS = {
    "server-is-the-same",
    "model-is-the-same",
    "answers-are-the-same",
    "errors-are-the-same",
    "stream-ends-well",
}
"""Seen to be broken by tests of their own."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_the_rules_about_it(fault):
    """And each says how, with the call as a command and its answer."""
    inputs = HALVES if fault == "typed-halves" else INPUTS
    with RpcServer(fault, inputs=inputs) as stub:
        remote = learnt(stub, patience=0.4 if fault in ("hangs", "chokes") else 20)
        for name in FAULTS[fault].split():
            verdict = judged(remote, BY_NAME[name])
            assert verdict.outcome == "broken", name
            assert all(
                shown.request.split()[0] in ("grpcurl", "printf") and shown.answer
                for shown in verdict.shown
            )


def test_every_rule_that_can_be_broken_is_seen_to_be_broken():
    """By a fault of the server that these tests have."""
    seen = {name for names in FAULTS.values() for name in names.split()} | OTHERS
    lacking = {name for name, rule in BY_NAME.items() if rule.severity != "unclear"} - seen

    assert lacking == set()


def test_an_answer_that_comes_again_behind_its_end_is_judged_all_the_same():
    """The first one counts; no rule but that about the second is broken."""
    with RpcServer("answers-twice") as stub:
        remote = learnt(stub)
        broken = [one.name for one in RULES if judged(remote, one).outcome == "broken"]

    assert broken == ["grpc-nothing-after-the-end"]


def test_a_stream_that_answers_nothing_with_something_is_told():
    """The methods of a stream and of a single request are not the same."""
    with RpcServer() as stub:
        remote = learnt(stub)
        remote_stream = BY_NAME["stream-ends-well"]
        assert judged(remote, remote_stream).outcome == "kept"
        stub.faults = frozenset({"fickle"})
        assert judged(remote, remote_stream).outcome == "broken"


def test_extensions_that_a_server_lacks_are_not_judged():
    """Nothing of them is demanded."""
    with RpcServer("bare") as stub, RestServer() as rest, Server(rest.url) as known:
        learn_rest(known)
        remote = Remote(stub.address, rest=known)
        learn(remote, example=EXAMPLE)
        outcomes = {judged(remote, one).outcome for one in RULES if "extensions" in one.topic}

    assert outcomes == {"spared"}


EXAMPLE = {
    "inputs": [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.5]},
        {"name": "word", "shape": [1], "datatype": "BYTES", "data": ["a"]},
        {"name": "n", "shape": [1], "datatype": "INT8", "data": [3]},
    ]
}


@pytest.mark.parametrize(
    ("faults", "broken"),
    [
        ((), set()),
        (("other-server",), {"server-is-the-same"}),
        (("plain",), {"model-is-the-same"}),
        (("fickle",), {"answers-are-the-same"}),
        (("all-unknown",), {"errors-are-the-same"}),
    ],
)
def test_rest_and_grpc_of_a_server_agree(faults, broken):
    """What one of them says otherwise is told."""
    with (
        RpcServer(*faults, inputs=SHARED) as stub,
        RestServer() as rest,
        Server(rest.url) as known,
    ):
        learn_rest(known)
        remote = learnt(stub, rest=known)
        rules = [one for one in RULES if one.topic == "grpc agreement"]
        found = {one.name: judged(remote, one).outcome for one in rules}

    assert {name.removeprefix("grpc-") for name, how in found.items() if how == "broken"} == broken


def test_the_command_of_a_message_says_that_very_message(sound):
    """Read by the library of protocol buffers, it gives the bytes that were sent."""
    kinds = {INFER: pb.ModelInferRequest, INFER.replace("Infer", "Ready"): pb.ModelReadyRequest}
    told = 0
    for call in sound[0].calls:
        words = shlex.split(call.command, comments=True)
        if call.path not in kinds or words[0] != "grpcurl":
            continue
        said = json_format.ParseDict(json.loads(words[words.index("-d") + 1]), kinds[call.path]())
        assert said == kinds[call.path].FromString(call.body[5:])
        told += 1

    assert told > 50


def test_nobody_at_the_address_is_said():
    """With what to do."""
    with pytest.raises(MachineError) as caught:
        learn(Remote("127.0.0.1:9"))

    assert caught.value.where == "grpc://127.0.0.1:9"


@pytest.mark.parametrize("address", ["localhost", "http://127.0.0.1:80", "127.0.0.1:"])
def test_what_is_no_address_is_refused(address):
    """It is HOST:PORT."""
    with pytest.raises(UsageError):
        Remote(address)


def test_a_model_that_is_not_there_is_said():
    """It was named by hand."""
    with RpcServer() as stub, pytest.raises(CheckError) as caught:
        learn(Remote(stub.address), model="nope")

    assert "--model-name" in caught.value.remedy


def test_no_server_is_called_more_than_was_allowed():
    """The rules that could not be judged say why."""
    with RpcServer() as stub:
        remote = learnt(stub, most=20)
        found = by(remote, Silent(), RULES)

    assert any("20 calls" in one.detail for one in found.verdicts)


def test_a_server_that_dies_is_told_at_the_rule_that_ended_it():
    """And is not blamed for what comes after."""
    with RpcServer("dies") as stub:
        found = by(learnt(stub), Silent(), RULES)

    assert found.gone == "grpc-bytes-that-are-no-message"
    assert found.verdicts[-1].detail == "the server is gone since grpc-bytes-that-are-no-message"


@pytest.mark.parametrize("number", range(1, 8))
def test_each_contradiction_of_the_specification_is_a_question_and_no_fault(number):
    """The seven that docs/checks.md lists, over HTTP/REST; good sense is at most advised there."""
    rules = [one for one in REST_RULES if f"contradiction {number}" in one.passage]

    assert "unclear" in {one.severity for one in rules}
    assert all(one.severity != "must" for one in rules)


def test_every_rule_says_what_it_demands_and_where_that_comes_from():
    """In a sentence, with a document and a section; no name is used twice."""
    assert len({rule.name for rule in (*RULES, *REST_RULES)}) == len(RULES) + len(REST_RULES)
    for rule in RULES:
        assert rule.demands.endswith("."), rule.name
        assert ": " in rule.passage or "RFC" in rule.passage, rule.name
