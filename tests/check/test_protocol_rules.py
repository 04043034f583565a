"""The rules of the protocol: a server that keeps it breaks none, and each fault breaks its own."""

import pytest
from oip_server import Server as Stub

from sealift.check.protocol.grade import RULES, grade
from sealift.check.protocol.learn import learn
from sealift.check.protocol.server import Server
from sealift.errors import CheckError, MachineError


class Silent:
    """Progress that nobody looks at."""

    def step(self, name, status):
        """A piece of work reached a status."""

    def say(self, text):
        """A line of talk."""


def graded(stub):
    """The grade of a server."""
    with Server(stub.url) as server:
        learn(server)
        return grade(server, Silent())


def broken(found):
    """The names of the broken rules, with the severity of their faults."""
    return {one.rule: one.severity for one in found.verdicts if one.outcome == "broken"}


def test_a_server_that_keeps_the_protocol_breaks_no_rule():
    """And every rule that is not unclear is judged."""
    with Stub() as stub:
        found = graded(stub)

    assert broken(found) == {}
    judged = {one.rule for one in found.verdicts if one.outcome == "kept"}
    spared = {one.rule for one in found.verdicts if one.outcome == "spared"}
    assert spared == {"numbers-out-of-range", "raw-request"}  # no whole numbers, two inputs
    assert len(judged) == sum(rule.severity != "unclear" for rule in RULES) - len(spared)
    assert found.passed


FAULTS = {
    "not-live": {"server-live"},
    "not-ready": {"server-ready"},
    "model-never-ready": {"model-ready", "model-ready-body", "versions-can-be-asked"},
    "bare-ready": {"model-ready-body"},
    "no-version-told": {"server-metadata"},
    "no-extensions-told": {"server-extensions"},
    "other-name": {"model-metadata"},
    "no-platform": {"model-platform"},
    "plain": {"platform-form"},
    "odd-datatype": {"tensor-metadata", "outputs-as-told"},
    "no-versions": {"versions-can-be-asked"},
    "any-model": {
        "unknown-model-is-not-ready",
        "metadata-of-an-unknown-model",
        "unknown-model",
    },
    "any-version": {"metadata-of-an-unknown-version", "unknown-version"},
    "misnamed": {"answer-names-the-model"},
    "no-shape": {"outputs-are-whole", "data-fill-the-shape", "outputs-as-told"},
    "wrong-shape": {"data-fill-the-shape"},
    "all-outputs": {
        "outputs-can-be-chosen",
        "output-in-binary",
        "wish-of-an-output-counts",
    },
    "flat-only": {"data-may-be-nested"},
    "nested-only": {"data-may-be-flat"},
    "by-order": {"inputs-go-by-name"},
    "one-row": {"batches-are-whole", "many-rows"},
    "no-id": {"id-comes-back", "id-of-any-letters-comes-back", "ids-are-not-mixed-up", "long-id"},
    "mixes-ids": {"id-of-any-letters-comes-back", "ids-are-not-mixed-up", "long-id"},
    "forgives": {
        "body-that-is-no-object",
        "request-without-inputs",
    },
    "any-datatype": {"unknown-datatype", "input-with-missing-members"},
    "never-binary": {"outputs-in-binary", "output-in-binary", "binary-answers-say-so"},
    "request-wins": {"output-in-binary", "wish-of-an-output-counts"},
    "wrong-length": {"outputs-in-binary", "output-in-binary"},
    "any-raw": {"raw-request-for-several-inputs"},
    "any-parameters": {"parameters-that-are-none"},
    "binary-as-json": {"binary-answers-say-so"},
    "trusts-length": {"length-of-the-json-that-is-none"},
    "left-over": {"bytes-that-do-not-fit"},
    "big-endian": {"inputs-in-binary"},
    "short-texts": {"text-beyond-the-end"},
    "bare-nan": {"answers-are-json"},
    "html": {"answers-say-they-are-json"},
    "no-state": {"repository-lists-the-model"},
    "no-count": {"statistics-count"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_the_rules_about_it_and_no_other(fault):
    """So that the name of a broken rule says what is wrong."""
    with Stub(fault) as stub:
        found = graded(stub)

    assert broken(found).keys() == FAULTS[fault]
    for one in found.verdicts:
        if one.outcome == "broken":
            assert all("curl" in shown.request and shown.answer for shown in one.shown)


def test_a_raw_request_is_judged_where_the_model_has_one_input():
    """Its answer comes in binary, and nothing else is asked of such a model."""
    with Stub("one-input") as stub:
        right = graded(stub)
        stub.faults |= {"raw-as-json"}
        wrong = graded(stub)

    assert broken(right) == {}
    assert "raw-request" in {one.rule for one in right.verdicts if one.outcome == "kept"}
    assert broken(wrong).keys() == {"raw-request"}


def test_an_error_without_its_object_breaks_what_must_be():
    """A server that answers {"detail": ...}, as many frameworks do by themselves."""
    with Stub("detail") as stub:
        found = broken(graded(stub))

    assert "body-that-is-no-json" in found
    assert set(found.values()) == {"must"}


def test_a_clients_mistake_answered_as_a_servers_fault_breaks_only_what_should_be():
    """The specification asks for an error status alone."""
    with Stub("all-500") as stub:
        found = graded(stub)

    assert set(broken(found).values()) == {"should"}
    assert found.passed


def test_where_the_specification_is_unclear_the_choice_is_told():
    """And it is no fault."""
    with Stub() as stub:
        found = {one.rule: one for one in graded(stub).verdicts}

    assert found["more-or-fewer-elements"].outcome == "open"
    assert "refused with 400" in found["more-or-fewer-elements"].detail
    assert found["compressed-request"].detail == "gzip: taken"


def test_nobody_at_the_address_is_said():
    """With what to do."""
    with Server("http://127.0.0.1:9") as server, pytest.raises(MachineError) as caught:
        learn(server)

    assert caught.value.where == "http://127.0.0.1:9"


def test_a_model_that_is_not_there_is_said():
    """It was named by hand."""
    with Stub() as stub, Server(stub.url) as server, pytest.raises(CheckError) as caught:
        learn(server, model="nope")

    assert "--model-name" in caught.value.remedy


def test_an_example_that_is_refused_is_shown_with_the_answer():
    """So that it can be mended."""
    with Stub() as stub, Server(stub.url) as server, pytest.raises(CheckError) as caught:
        learn(server, example={"inputs": [{"name": "x"}]})

    assert "400" in caught.value.what
    assert caught.value.where.startswith("curl")


def test_no_server_is_asked_more_than_was_allowed():
    """The rules that could not be judged say why."""
    with Stub() as stub, Server(stub.url, most=20) as server:
        learn(server)
        found = grade(server, Silent())

    assert any("20 requests" in one.detail for one in found.verdicts)
    assert stub.answered <= 20


def test_a_server_that_dies_is_told_at_the_rule_that_ended_it():
    """And is not blamed for what comes after."""
    with Stub("dies") as stub:
        found = graded(stub)

    assert found.gone == "shape-too-large-to-count"
    assert broken(found) == {"shape-too-large-to-count": "must"}
    assert found.verdicts[-1].detail == "the server is gone since shape-too-large-to-count"


def test_every_rule_says_what_it_demands_and_where_that_comes_from():
    """In a sentence, with a document and a section."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.demands.endswith("."), rule.name
        assert ": " in rule.passage or "RFC" in rule.passage, rule.name
