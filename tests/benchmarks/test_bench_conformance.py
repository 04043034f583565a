"""The page of graded servers is made from what was kept, and tells nothing of a machine."""

import msgspec
import pytest

from benchmarks.conformance import graded, model
from benchmarks.conformance.servers import Address
from sealift.check.protocol.grade import RULES, Grade, Shown, Verdict
from sealift.check.protocol.rpc.catalogue import RULES as RPC_RULES


def verdict(rule, outcome, severity="must", answer="500"):
    """A verdict, shown by one request."""
    shown = Shown(message="It | breaks.", request="curl http://h:1/v2", answer=answer)
    return Verdict(
        rule=rule,
        topic="errors",
        demands="It answers.",
        passage="Document: section",
        severity=severity,
        outcome=outcome,
        detail="taken" if outcome == "open" else "",
        shown=() if outcome == "kept" else (shown,),
        seconds=0.1,
    )


@pytest.fixture
def grade():
    """A grade with a verdict of each kind."""
    return Grade(
        address="http://h:1",
        server="s",
        model="m",
        requests=4,
        started=0.0,
        finished=1.0,
        verdicts=(
            verdict("good", "kept"),
            verdict("bad", "broken", answer="500 | File '/tmp/abc12/x.py'"),
            verdict("poor", "broken", "should"),
            verdict("odd", "open", "unclear"),
        ),
    )


def test_what_is_kept_names_no_address_and_no_folder_of_the_moment(grade):
    """Answers of other servers repeat them."""
    text = msgspec.json.encode(
        graded.anonymous(grade, "/tmp/abc12", Address("http://h:1", "h:2"))
    ).decode()

    assert "h:1" not in text
    assert "/tmp" not in text
    assert "http://SERVER/v2" in text


def test_the_page_tells_counts_rules_choices_and_faults(grade, tmp_path, monkeypatch):
    """Each in a table of its own, with the request."""
    monkeypatch.setattr(graded, "RESULTS", tmp_path)
    graded.save("ours", graded.Graded(project="Ours", commit="c", date="d", grade=grade))
    page = graded.page()

    assert "| Ours | 1 | 1 | 1 | 0 |" in page
    assert "| bad | must | **broken** (must) |" in page
    assert "| odd | taken |" in page
    assert "| bad | must | It \\| breaks. | `curl http://h:1/v2` |" in page


def test_what_was_kept_is_what_these_rules_say():
    """Ours keeps everything; all four were graded by every rule that there is today."""
    ours, *rivals = graded.load()

    assert ours.grade.broken("must") == ours.grade.broken("should") == []
    assert len(rivals) == 3
    rules = [rule.name for rule in (*RULES, *RPC_RULES)]
    for one in (ours, *rivals):
        assert [verdict.rule for verdict in one.grade.verdicts] == rules, one.project


def test_the_formula_gives_the_golden_rows():
    """Computed by hand: 0.5*0 - 1.25*1 + 2*2 + 0.125*3 = 3.125; each further row adds 1.375 + 1."""
    assert model.golden()["outputs"]["y"] == [3.125, 5.5]
