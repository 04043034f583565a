"""What every ledger and every keeper of observations does.

An adapter's tests inherit a suite and say how to make one, in an empty folder of its own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from sealift.errors import DataError, NotFoundError, SealiftError, UsageError
from sealift.ports import Ledger, Observations
from sealift.record.contract import Contract
from sealift.record.image import Image
from sealift.record.model import Model
from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch
from sealift.record.release import Plan, Release
from sealift.record.run import Code, Machine, Run, StepRun
from sealift.types import Digest

DIGEST = Digest("sha256:" + "0" * 64)


def run(name: str, **changes: Any) -> Run:
    """A run with these changes."""
    machine = Machine(host="h", user="u", system="s", cpu="c", cores=2, memory=1, engine="e")
    plain = Run(
        id=name,
        project="p",
        status="done",
        started=1.0,
        finished=2.0,
        user="u",
        comment="",
        code=Code(digest=DIGEST),
        machine=machine,
        image=DIGEST,
        lock=DIGEST,
        snapshots={},
        params={"train": {"depth": 6, "fast": True, "name": "x", "rate": 0.5}},
        seeds={},
    )
    return msgspec.structs.replace(plain, **changes)


def step(key: Digest, **changes: Any) -> StepRun:
    """A finished step with this key and these changes."""
    plain = StepRun(
        name="train",
        status="done",
        key=key,
        leaves={},
        cached=False,
        command="true",
        started=1.0,
        seconds=1.0,
    )
    return msgspec.structs.replace(plain, **changes)


def model(version: int, **changes: Any) -> Model:
    """A model with these changes."""
    contract = Contract(task="regression", target="y", fields=(), outputs=(), prediction="p")
    plain = Model(
        name="m",
        version=version,
        digest=DIGEST,
        content=DIGEST,
        run="r",
        created=1.0,
        task="regression",
        metrics={"mae": 1.5},
        contract=contract,
    )
    return msgspec.structs.replace(plain, **changes)


def image(digest: Digest, **changes: Any) -> Image:
    """An image with these changes."""
    plain = Image(digest=digest, platform="p", layers=(), lock=DIGEST, model=1, created=1.0)
    return msgspec.structs.replace(plain, **changes)


def release(name: str, **changes: Any) -> Release:
    """A release with these changes."""
    plan = Plan(
        strategy="canary",
        stages=(0.1,),
        guards=(),
        stage_requests=1,
        alpha=0.05,
        limit=1.0,
        undecided="hold",
    )
    plain = Release(
        id=name,
        service="s",
        plan=plan,
        version=1,
        image=DIGEST,
        report=DIGEST,
        previous=None,
        user="u",
        comment="",
        created=1.0,
    )
    return msgspec.structs.replace(plain, **changes)


class LedgerSuite:
    """What every ledger does."""

    def ledger(self, folder: Path) -> Ledger:
        """An empty ledger that may keep files in the folder."""
        raise TypeError(f"{type(self).__name__} does not say how to make its ledger in {folder}.")

    def test_a_record_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        """Each kind by its own key."""
        ledger = self.ledger(tmp_path)
        for record in (run("r1"), model(1), image(DIGEST), release("a")):
            ledger.save(record)
        assert ledger.get(Run, "r1") == run("r1")
        assert ledger.get(Model, 1) == ledger.get(Model, "1") == model(1)
        assert ledger.get(Image, DIGEST) == image(DIGEST)
        assert ledger.get(Release, "a") == release("a")

    def test_saving_again_replaces_and_keeps_the_place(self, tmp_path: Path) -> None:
        """Records are listed by age, not by their last change."""
        ledger = self.ledger(tmp_path)
        for name in ("b", "a", "c"):
            ledger.save(release(name))
        ledger.save(release("old", created=0.5))
        ledger.save(release("b", stage=3))
        found = ledger.all(Release)
        assert [record.id for record in found] == ["old", "b", "a", "c"]
        assert found[1].stage == 3
        assert ledger.all(Run) == []

    def test_a_missing_record_names_those_that_exist(self, tmp_path: Path) -> None:
        """The error is ``NotFoundError``."""
        ledger = self.ledger(tmp_path)
        assert raises(NotFoundError, lambda: ledger.get(Model, 1))
        ledger.save(model(7))
        assert "7" in str(raises(NotFoundError, lambda: ledger.get(Model, 8)))

    def test_an_amendment_sees_and_keeps_what_is_there(self, tmp_path: Path) -> None:
        """One that fails changes nothing."""
        ledger = self.ledger(tmp_path)
        ledger.save(release("a", stage=2))

        def ask(old: Release) -> Release:
            return msgspec.structs.replace(old, request="promote")

        def fail(old: Release) -> Release:
            raise UsageError(f"{old.id} cannot be changed.")

        assert ledger.amend(Release, "a", ask).stage == 2
        raises(UsageError, lambda: ledger.amend(Release, "a", fail))
        raises(NotFoundError, lambda: ledger.amend(Release, "b", ask))
        assert ledger.get(Release, "a") == release("a", stage=2, request="promote")

    def test_a_version_is_given_out_once(self, tmp_path: Path) -> None:
        """One that was saved without being asked for is not given out either."""
        ledger = self.ledger(tmp_path)
        assert [ledger.next_version() for _ in range(3)] == [1, 2, 3]
        ledger.save(model(10))
        assert ledger.next_version() == 11

    def test_the_newest_finished_step_with_a_key_is_found(self, tmp_path: Path) -> None:
        """Failed and skipped steps are not, nor those of a run that was saved anew without."""
        ledger = self.ledger(tmp_path)
        key = Digest("sha256:" + "1" * 64)
        assert ledger.cached(key) is None
        ledger.save(run("r1", steps=(step(key, status="failed"),)))
        assert ledger.cached(key) is None
        good = step(key, outputs={"model": DIGEST})
        ledger.save(run("r2", status="running", steps=(good,)))
        assert ledger.cached(key) == good
        newer = step(key, started=9.0)
        ledger.save(run("r0", steps=(step(key, started=5.0), newer)))
        assert ledger.cached(key) == newer
        ledger.save(run("r0"))
        assert ledger.cached(key) == good

    def test_steps_are_added_to_a_run_one_by_one(self, tmp_path: Path) -> None:
        """They stand in the order of the plan; what else changes of the run meanwhile stays."""
        ledger, key = self.ledger(tmp_path), Digest("sha256:" + "1" * 64)
        ledger.save(run("r1", status="running"))
        first, second, third = (step(key, name=name) for name in ("a", "b", "c"))
        ledger.add_steps("r1", {2: third})
        ledger.add_steps("r1", {0: first, 1: second})
        done = ledger.amend_head("r1", lambda old: msgspec.structs.replace(old, status="done"))
        assert done.steps == ()
        assert ledger.get(Run, "r1") == run("r1", steps=(first, second, third))
        assert ledger.all(Run) == [run("r1", steps=(first, second, third))]
        assert ledger.heads() == [run("r1")]
        ledger.add_steps("r1", {1: step(key, name="b", because="again")})
        assert [one.because for one in ledger.get(Run, "r1").steps] == ["", "again", ""]

    def test_the_latest_outcome_of_a_step_is_found_by_its_name(self, tmp_path: Path) -> None:
        """In whatever run; a failed one counts, a skipped one does not."""
        ledger, key = self.ledger(tmp_path), Digest("sha256:" + "1" * 64)
        assert ledger.latest("train") is None
        ledger.save(run("r1", steps=(step(key, seconds=1.0),)))
        ledger.save(run("r2", started=2.0))
        ledger.add_steps("r2", {0: step(key, status="failed"), 1: step(key, name="test")})
        ledger.save(run("r3", started=3.0, steps=(step(key, status="skipped"),)))
        found = ledger.latest("train")
        assert found is not None
        assert found.status == "failed"

    def test_a_lock_is_held_by_one_at_a_time(self, tmp_path: Path) -> None:
        """Other names are free; it is free again afterwards, also after an error."""
        ledger = self.ledger(tmp_path)
        with ledger.exclusive("controller"), ledger.exclusive("train"):
            said = raises(UsageError, lambda: enter(ledger.exclusive("controller")))
            assert "controller" in str(said)
        raises(DataError, lambda: enter(ledger.exclusive("controller"), DataError("no")))
        enter(ledger.exclusive("controller"))


def seen(**changes: Any) -> RequestSeen:
    """A request with these changes."""
    plain = RequestSeen(at=1.0, generation=1, version=1, status=200, seconds=0.01)
    return msgspec.structs.replace(plain, **changes)


def predicted(name: str, **changes: Any) -> Prediction:
    """A prediction with these changes."""
    plain = Prediction(
        id=name, at=1.0, version=1, generation=1, output=1.0, seconds=0.01, inputs={}
    )
    return msgspec.structs.replace(plain, **changes)


class ObservationsSuite:
    """What every keeper of observations does."""

    def observations(self, folder: Path) -> Observations:
        """An empty one that may keep files in the folder."""
        raise TypeError(
            f"{type(self).__name__} does not say how to make its observations in {folder}."
        )

    def test_requests_come_back_in_order_with_growing_serials(self, tmp_path: Path) -> None:
        """A reader goes on from the last serial that it saw."""
        kept = self.observations(tmp_path)
        kept.add(cursors={}, requests=[seen(at=2.0), seen(at=1.0, status=0)])
        kept.add(cursors={}, requests=[seen(version=2)])
        found = kept.requests()
        assert [request for _, request in found] == [
            seen(at=2.0),
            seen(at=1.0, status=0),
            seen(version=2),
        ]
        assert kept.requests(limit=2) == found[:2]
        assert kept.requests(after=found[1][0]) == found[2:]
        assert [serial for serial, _ in found] == sorted({serial for serial, _ in found})

    def test_cursors_move_with_what_was_read(self, tmp_path: Path) -> None:
        """Others stay where they are."""
        kept = self.observations(tmp_path)
        assert kept.cursors() == {}
        kept.add(cursors={"router": {"offset": 1}, "other": None})
        kept.add(cursors={"router": {"offset": 2}})
        assert kept.cursors() == {"router": {"offset": 2}, "other": None}

    def test_a_second_reader_of_the_same_log_adds_nothing(self, tmp_path: Path) -> None:
        """It had read from a cursor that has moved since."""
        kept = self.observations(tmp_path)
        start: dict[str, Any] = {"router": None}
        assert kept.add(cursors={"router": 5}, requests=[seen()], after=start)
        assert not kept.add(cursors={"router": 5}, requests=[seen()], after=start)
        assert kept.add(cursors={"router": 6}, after={"router": 5})
        assert len(kept.requests()) == 1
        assert kept.cursors() == {"router": 6}

    def test_a_label_meets_its_prediction_whichever_comes_first(self, tmp_path: Path) -> None:
        """Also when both come together."""
        kept = self.observations(tmp_path)
        label = Label(id="a", value=2.0, at=5.0)
        kept.add(cursors={}, labels=[label])
        assert kept.scored() == []
        kept.add(cursors={}, predictions=[predicted("a"), predicted("b", version=2)])
        later = [Label(id=name, value="x", at=6.0) for name in ("c", "b")]
        kept.add(cursors={}, labels=later, predictions=[predicted("c", output="y")])
        found = {scored.id: scored for _, scored in kept.scored()}
        assert sorted(found) == ["a", "b", "c"]
        assert found["a"] == Scored(
            id="a", at=1.0, labelled=5.0, version=1, generation=1, output=1.0, value=2.0
        )
        assert (found["b"].version, found["b"].value) == (2, "x")
        assert (found["c"].output, found["c"].value) == ("y", "x")

    def test_pairs_are_numbered_in_the_order_in_which_they_met(self, tmp_path: Path) -> None:
        """The order of predictions and of labels does not matter."""
        kept = self.observations(tmp_path)
        kept.add(cursors={}, predictions=[predicted("a"), predicted("b")])
        kept.add(cursors={}, labels=[Label(id="c", value=1.0, at=1.0)])
        kept.add(cursors={}, labels=[Label(id="b", value=1.0, at=1.0)])
        (first, _), *_rest = kept.scored()
        kept.add(cursors={}, predictions=[predicted("c")])
        kept.add(cursors={}, labels=[Label(id="a", value=1.0, at=1.0)])
        assert [scored.id for _, scored in kept.scored()] == ["b", "c", "a"]
        assert [scored.id for _, scored in kept.scored(after=first)] == ["c", "a"]
        assert [scored.id for _, scored in kept.scored(after=first, limit=1)] == ["c"]

    def test_the_first_prediction_and_the_first_label_of_an_id_count(self, tmp_path: Path) -> None:
        """Before they met and afterwards."""
        kept = self.observations(tmp_path)
        one, two = Label(id="a", value=1.0, at=1.0), Label(id="a", value=2.0, at=2.0)
        kept.add(cursors={}, labels=[one, two])
        kept.add(cursors={}, labels=[two])
        kept.add(cursors={}, predictions=[predicted("a"), predicted("a", output=9.0)])
        kept.add(cursors={}, predictions=[predicted("a", output=9.0)], labels=[two])
        ((_, scored),) = kept.scored()
        assert (scored.output, scored.value) == (1.0, 1.0)
        assert kept.counts()[1]["predictions"] == 1

    def test_sketches_of_one_hour_are_added_up(self, tmp_path: Path) -> None:
        """Within one call and over several."""
        kept = self.observations(tmp_path)
        part = Sketch(version=1, field="x", since=0.0, counts=(1, 2), nulls=1)
        later = msgspec.structs.replace(part, since=3600.0)
        kept.add(cursors={}, sketches=[part, part, later])
        other = msgspec.structs.replace(part, version=2)
        kept.add(cursors={}, sketches=[part, other])
        total = Sketch(version=1, field="x", since=0.0, counts=(3, 6), nulls=3)
        assert kept.sketches(1) == [total, later]
        assert kept.sketches(1, since=1.0) == [later]
        assert kept.sketches(2) == [other]
        assert kept.sketches(3) == []

    def test_a_refused_batch_leaves_no_trace(self, tmp_path: Path) -> None:
        """Neither rows nor cursors, when one sketch does not fit those before it."""
        kept = self.observations(tmp_path)
        part = Sketch(version=1, field="x", since=0.0, counts=(1, 2))
        kept.add(cursors={"a": 1}, sketches=[part])
        wrong = msgspec.structs.replace(part, counts=(1,))
        raises(
            DataError,
            lambda: kept.add(
                cursors={"a": 2},
                requests=[seen()],
                predictions=[predicted("a")],
                labels=[Label(id="a", value=1.0, at=1.0)],
                sketches=[wrong],
            ),
        )
        assert (kept.requests(), kept.scored(), kept.counts()) == ([], [], {})
        assert (kept.cursors(), kept.sketches(1)) == ({"a": 1}, [part])

    def test_counts_are_by_version_and_from_an_instant_on(self, tmp_path: Path) -> None:
        """500 and above, and no answer at all, are failures; 4xx is the client's own."""
        kept = self.observations(tmp_path)
        statuses = [200, 404, 499, 500, 503, 0]
        kept.add(
            cursors={},
            requests=[*(seen(status=status) for status in statuses), seen(version=2, at=5.0)],
            predictions=[predicted("a"), predicted("b"), predicted("c", version=3, at=5.0)],
            labels=[Label(id=name, value=1.0, at=9.0) for name in ("a", "c", "unknown")],
        )
        names = ("requests", "failed", "predictions", "labels")
        counts = {version: tuple(row[n] for n in names) for version, row in kept.counts().items()}
        assert counts == {1: (6, 3, 2, 1), 2: (1, 0, 0, 0), 3: (0, 0, 1, 1)}
        assert list(kept.counts(since=2.0)) == [2, 3]


def enter(lock: AbstractContextManager[None], error: Exception | None = None) -> None:
    """Hold a lock for a moment, in which an error may come up."""
    with lock:
        if error is not None:
            raise error


def raises(kind: type[SealiftError], call: Any) -> SealiftError:
    """The error of this kind that the call raises; it is a failure if it raises none."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected.")


__all__ = ["LedgerSuite", "ObservationsSuite", "image", "model", "predicted", "release", "run"]
