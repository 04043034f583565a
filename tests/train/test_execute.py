"""Running a project's steps: order, cache, failures and what the record says."""

from sealift.record.run import Run


def ran(run):
    """The steps that really ran."""
    return [step.name for step in run.steps if step.status == "done" and not step.cached]


def test_steps_hand_their_outputs_on(small):
    """What one wrote is what the next reads, at the same path."""
    run = small.run()

    assert [step.status for step in run.steps] == ["done"] * 3
    assert (small.output(run, "train.model") / "weights").read_text() == "2 7\nid\n1\n2\n"
    assert run.metrics == {"mae": 12.5}
    assert small.ledger.get(Run, run.id) == run
