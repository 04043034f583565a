"""A recorded run, run again: verdicts, and what is said when it differs."""

import msgspec
import pytest
from train_project import Small, on_host
from train_repeated import again, verdicts

from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.team import TeamCache
from sealift.adapters.signers.keyfile import KeyFile
from sealift.errors import DataError, IntegrityError, NotFoundError, ProjectError, UsageError
from sealift.record.reproduction import Reproduction
from sealift.testing.engine import MemoryEngine
from sealift.train.again import statement
from sealift.train.again.sample import sample


@pytest.fixture
def small(tmp_path):
    """The project, with an image that is in the store."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Small(folder)
    made.image = made.store.put(b"an image", "application/octet-stream").digest
    return made


def test_a_deterministic_run_comes_out_byte_for_byte(small):
    """With nothing taken from the cache: each step is executed."""
    run = small.run(depth=3)
    started = len(small.engine.ran)

    made = again(small, run)

    assert made.reproduced
    assert set(verdicts(made).values()) == {"identical bytes"}
    assert len(small.engine.ran) == started + 3
    assert (made.run, made.causes, made.unlike) == (run.id, {}, ())


def test_it_uses_the_code_and_parameters_of_the_record(small):
    """Whatever the folder holds by now."""
    run = small.run(depth=3)
    small.write("train.sh", "mkdir out/model; echo other > out/model/weights\n")
    small.write("sealift.toml", 'name = "small"\n')

    assert again(small, run).reproduced


def test_a_step_is_given_what_it_was_given(small):
    """One that differs spoils none of those that read it."""
    small.change('run = "sh prepare.sh"', 'run = "sh prepare.sh; date +%N >> out/table.csv"')
    made = again(small, small.run())

    assert verdicts(made) == {
        "prepare.table": "different",
        "train.model": "identical bytes",
        "evaluate.metrics": "identical bytes",
    }
    assert not made.reproduced


def noisy(small, line):
    """The project, whose last step writes its metrics by this shell line."""
    small.write("evaluate.sh", line)
    small.change(
        "cat out/model/weights; printf '{{\\\"mae\\\": %s}}' {mae} > out/metrics.json",
        "sh evaluate.sh {mae}",
    )
    small.change("code = []", 'code = ["evaluate.sh"]')


def test_other_bytes_with_the_same_values_are_said_to_be_so(small):
    """Spaces in JSON say nothing."""
    noisy(small, "printf '{\"mae\": %s%*s}' $1 1$(date +%N | cut -c 7-9) '' > out/metrics.json")
    run = small.run()

    (metrics,) = again(small, run, "evaluate").outputs
    assert (metrics.verdict, metrics.difference) == ("identical values", 0.0)


def test_a_small_difference_is_within_a_declared_tolerance_only(small):
    """The difference is told either way."""
    noisy(small, "printf '{\"mae\": 1.0000%s}' $(date +%N) > out/metrics.json")
    run = small.run()

    plain, lenient = again(small, run), again(small, run, evaluate_metrics=1e-3)

    assert verdicts(plain)["evaluate.metrics"] == "different"
    assert verdicts(lenient)["evaluate.metrics"] == "within tolerance"
    told = next(one for one in lenient.outputs if one.output == "metrics")
    assert 0 < told.difference < 1e-3
    assert told.differs[0].startswith("metrics.json: mae by ")


def test_a_step_that_writes_the_time_is_told_so(small):
    """The remedy names the variable that is pinned."""
    noisy(small, "printf '{\"mae\": %s}' $(date +%s.%N) > out/metrics.json")

    (cause, *_) = again(small, small.run()).causes["evaluate"]

    assert "writes the time" in cause
    assert "SOURCE_DATE_EPOCH" in cause


def test_a_step_without_a_seed_that_varies_is_told_so(small):
    """Only after it was seen to vary on one machine."""
    noisy(small, "printf '{\"mae\": 0.%s}' $(date +%N) > out/metrics.json")

    made = again(small, small.run())

    assert any("has no seed" in cause for cause in made.causes["evaluate"])
    assert small.talk.said == ["evaluate differs: running it once more, to see if it varies."]


def test_another_machine_is_the_cause_when_the_step_itself_is_steady(small):
    """Twice the same here, and not what it was there."""
    place = small.root.parent / "machine"
    noisy(small, f"printf '{{\"mae\": 0.%s}}' $(cat {place}) > out/metrics.json")
    place.write_text("1")
    run = small.run()
    place.write_text("2")
    there = msgspec.structs.replace(
        run.machine, cpu="Another 9000", cores=96, instructions=("unheard-of",)
    )

    causes = again(small, msgspec.structs.replace(run, machine=there)).causes["evaluate"]

    assert any("Another 9000" in cause for cause in causes)
    assert any("not 96" in cause for cause in causes)
    assert any("unheard-of there alone" in cause for cause in causes) == bool(
        run.machine.instructions
    )


def test_the_time_is_seen_in_any_text_and_an_unused_seed_named(small):
    """A date within a line of prose; and a seed that the command leaves alone."""
    small.change('writes = { model = "out/model" }', 'writes = { model = "out/model", log = "l" }')
    small.change("sh train.sh {depth}", "sh train.sh {depth}; date +'made at %s.%N, well' > l")
    small.change("sh prepare.sh", "date +%N > out/table.csv")
    small.change('reads = ["data.rows"]', 'reads = ["data.rows"]\nparams = { seed = 1 }')

    causes = again(small, small.run()).causes

    assert "writes the time" in causes["train"][0]
    assert "does the code take SEALIFT_SEED?" in causes["prepare"][0]


def test_a_step_that_fails_now_is_no_reproduction(small):
    """The others are still compared."""
    run = small.run()
    small.engine = MemoryEngine(lambda spec: 3 if "-train-" in spec.name else on_host(spec))

    made = again(small, run)

    assert verdicts(made) == {
        "prepare.table": "identical bytes",
        "train.model": "failed",
        "evaluate.metrics": "identical bytes",
    }
    assert "ended with exit status 3" in made.causes["train"][0]
    assert not made.reproduced


def test_data_that_moved_is_an_error_that_names_it(small):
    """Nothing is run on other data."""
    run = small.run()
    small.write("data/rows.csv", "id\n3\n")

    with pytest.raises(DataError, match=r"rows\.csv"):
        again(small, run)


def test_what_is_gone_from_the_store_is_named(small):
    """Before anything runs."""
    run = small.run()
    (small.store.root / "blobs" / "sha256" / run.code.digest[7:]).unlink()

    with pytest.raises(NotFoundError, match="its code is no longer in the store"):
        again(small, run)


def test_single_steps_can_be_chosen(small):
    """Unknown ones are refused."""
    run = small.run()

    assert list(verdicts(again(small, run, "train"))) == ["train.model"]
    with pytest.raises(UsageError, match="no finished step 'trian'"):
        again(small, run, "trian")


def test_a_run_whose_project_file_was_not_kept_cannot_be_repeated(small):
    """The remedy says how the next can."""
    run = small.run()
    empty = small.root.parent / "empty"
    empty.mkdir()
    (empty / "train.sh").touch()
    kept = msgspec.structs.replace(run.code, digest=small.store.put_tree(empty))
    bare = msgspec.structs.replace(run, code=kept)

    with pytest.raises(ProjectError, match=r"holds no sealift\.toml"):
        again(small, bare)


def test_nothing_but_logs_is_left_behind(small):
    """Copies of the code and folders of steps go."""
    run = small.run()
    again(small, run)

    left = {path.name for path in small.folders.runs.rglob("*") if path.is_file()}
    assert left == {"prepare.log", "train.log", "evaluate.log"}


def test_a_reproduction_can_be_signed_and_read_back(small, tmp_path):
    """As a statement about an image, which another key does not vouch for."""
    made = again(small, small.run())
    image, signer = small.image, KeyFile(tmp_path / "keys")
    statement.seal(made, image, signer=signer, store=small.store)

    assert statement.sealed(image, signer=signer, store=small.store) == [made]
    assert isinstance(made, Reproduction)
    with pytest.raises(IntegrityError):
        statement.sealed(image, signer=KeyFile(tmp_path / "other"), store=small.store)


def test_an_audit_takes_some_steps_at_random(small):
    """As many as asked for, the same for the same seed, others for another; in the run's order."""
    run = small.run(depth=3)

    assert sample(run, 99, "1") == ("prepare", "train", "evaluate")
    assert len(sample(run, 2, "1")) == 2
    assert sample(run, 1, "1") == sample(run, 1, "1")
    assert len({sample(run, 1, str(seed)) for seed in range(40)}) == 3


def test_a_run_of_another_machine_is_reproduced_from_what_the_team_shares(tmp_path):
    """Its record, its code and its outputs come from there; the image is made from the lock."""
    (tmp_path / "team").mkdir()
    here = machine_of(tmp_path, "here")
    run = here.run()
    here.write("train.sh", "exit 1\n")
    there = machine_of(tmp_path, "there")
    there.write("train.sh", "exit 2\n")
    found = there.cache.recall(run.id[-6:])

    assert found == msgspec.structs.replace(run, model=None)
    assert there.store.tree(run.code.digest).joinpath("train.sh").read_text().startswith("mkdir")
    made = again(there, found)
    assert made.reproduced
    assert set(verdicts(made).values()) == {"identical bytes"}
    assert there.cache.recall("nothing") is None


def test_a_run_that_the_team_has_is_named_by_enough_of_its_id(tmp_path):
    """And a damaged record is told."""
    (tmp_path / "team").mkdir()
    here = machine_of(tmp_path, "here")
    first, second = here.run(), here.run(depth=3)
    assert here.cache.recall(second.id) == second
    with pytest.raises(UsageError, match="2 runs of the team fit"):
        here.cache.recall(first.id[:6])
    (tmp_path / "team" / "runs" / f"{first.id}.json").write_text("{ half")
    with pytest.raises(IntegrityError, match="damaged"):
        here.cache.recall(first.id)


def machine_of(root, name):
    """A machine with the project, an image, and the cache of the team."""
    (root / name).mkdir()
    made = Small(root / name)
    made.image = made.store.put(b"an image", "application/octet-stream").digest
    made.cache = TeamCache(Folder(root / "team"), made.store)
    return made
