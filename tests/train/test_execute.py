"""Running a project's steps: order, cache, failures and what the record says."""

import getpass
import threading
import time
from pathlib import Path

import pytest
from train_project import Small, on_host, one

from sealift import digest
from sealift.errors import DataError, ProjectError, StepError, UsageError
from sealift.record.container import Guarantees
from sealift.record.run import Run
from sealift.testing.engine import MemoryEngine


def ran(run):
    """The steps that really ran."""
    return [step.name for step in run.steps if step.status == "done" and not step.cached]


def failed(small, **params):
    """The error and the record of a run that fails."""
    with pytest.raises(StepError) as caught:
        small.run(**params)
    return caught.value, small.ledger.all(Run)[-1]


def test_steps_hand_their_outputs_on(small):
    """What one wrote is what the next reads, at the same path."""
    run = small.run()

    assert [step.status for step in run.steps] == ["done"] * 3
    assert (small.output(run, "train.model") / "weights").read_text() == "2 7\nid\n1\n2\n"
    assert run.metrics == {"mae": 12.5}
    assert small.ledger.get(Run, run.id) == run


def test_the_record_says_who_when_why_with_what_and_what_came_out(small):
    """Everything that is needed to tell, and to repeat, what happened."""
    run = small.run("first try", depth=3)

    assert (run.status, run.comment, run.user) == ("done", "first try", getpass.getuser())
    assert run.started <= run.finished
    assert run.snapshots["rows"].entries[0].path == "data/rows.csv"
    assert run.params["train"] == {"depth": 3, "seed": 7}
    assert run.seeds["PYTHONHASHSEED"] == "0"
    assert run.seeds["train.SEALIFT_SEED"] == "7"
    assert run.machine.cores >= 1
    assert run.machine.engine == "memory"
    train = one(run, "train")
    assert train.command == "sh train.sh 3"
    assert train.inputs == {"prepare.table": one(run, "prepare").outputs["table"]}
    assert (small.root / train.log).exists()
    kept = small.store.tree(run.code.digest)
    assert {path.name for path in digest.walk(kept)} == {"prepare.sh", "sealift.toml", "train.sh"}


def test_nothing_runs_twice(small):
    """A second run takes everything from the cache and says so."""
    first, second = small.run(), small.run()

    assert ran(first) == ["prepare", "train", "evaluate"]
    assert ran(second) == []
    assert second.metrics == first.metrics
    assert [step.outputs for step in second.steps] == [step.outputs for step in first.steps]
    assert ("train", "cached") in small.talk.steps
    assert "cache" in one(second, "train").because


def test_a_changed_parameter_runs_only_what_depends_on_it(small):
    """And the reason names the parameter, the old value and the new one."""
    small.run()
    run = small.run(depth=4)

    assert ran(run) == ["train", "evaluate"]
    assert one(run, "train").because == ("train runs again: its parameter depth went from 2 to 4.")
    assert one(run, "evaluate").because == "evaluate runs again: its input train.model changed."


def test_code_of_one_step_is_nothing_to_another(small):
    """Only the step that sees a file runs again when the file changes."""
    small.run()
    small.write("train.sh", (small.root / "train.sh").read_text() + "# a comment\n")
    small.write("notes.md", "nobody's code")
    run = small.run()

    assert ran(run) == ["train"]
    assert one(run, "train").because == "train runs again: its code changed."
    assert one(run, "evaluate").cached


def test_the_same_bytes_of_a_second_execution_stop_the_chain(small):
    """What comes after is keyed on contents, not on who made them or when."""
    small.run()
    small.write("prepare.sh", "cat < data/rows.csv > out/table.csv\n")

    assert ran(small.run()) == ["prepare"]


def test_changed_data_runs_again_what_reads_it(small):
    """The reason names the dataset."""
    small.run()
    small.write("data/rows.csv", "id\n9\n")
    run = small.run()

    assert ran(run) == ["prepare", "train", "evaluate"]
    assert one(run, "prepare").because == "prepare runs again: its input data.rows changed."


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("writes = { model", 'env = { MODE = "x" }\nwrites = { model', "its variable MODE changed"),
        ("writes = { model", "network = true\nwrites = { model", "its access to the network"),
        ('run = "sh train.sh {depth}"', 'run = "sh ./train.sh {depth}"', "its command changed"),
        ("seed = 7", "seed = 8", "its parameter seed went from 7 to 8"),
    ],
)
def test_whatever_decides_the_outputs_is_in_the_key(small, old, new, reason):
    """Environment, network, command and seed all count, and are named."""
    small.run()
    small.change(old, new)
    run = small.run()

    assert "train" in ran(run)
    assert reason in one(run, "train").because


def test_retries_and_limits_of_time_do_not_count(small):
    """They decide whether a step succeeds, not what it means."""
    small.run()
    small.change("writes = { model", "retries = 3\ntimeout = 9\nwrites = { model")

    assert ran(small.run()) == []


def test_cores_and_memory_count(small):
    """Programs choose the number of their threads by them, and with it the order of their sums."""
    small.run()
    small.change("writes = { model", 'cpus = 2\nmemory = "1GiB"\nwrites = { model')
    run = small.run()

    assert one(run, "train").because == (
        "train runs again: its cpus went from 1 to 2 and its memory went from unlimited to "
        f"{1 << 30}."
    )


def test_another_image_runs_everything_again(small):
    """The image is part of every key."""
    small.run()
    small.image = "sha256:" + "9" * 64
    run = small.run()

    assert ran(run)[0] == "prepare"
    assert "the image of the steps changed" in one(run, "prepare").because


def test_an_earlier_state_is_still_in_the_cache(small):
    """Going back to old values costs nothing."""
    small.run()
    small.run(depth=5)

    assert ran(small.run()) == []


def test_a_failed_step_is_told_with_its_last_lines_and_its_log(small):
    """The record is kept, what depends on it is skipped, the folder stays to be looked at."""
    small.write("train.sh", "echo so far so good\necho boom >&2\nexit 3\n")
    error, run = failed(small)

    assert "'train' ended with exit status 3" in error.what
    assert "so far so good\n    boom" in error.what
    assert Path(error.where).read_text() == "so far so good\nboom\n"
    assert run.status == "failed"
    assert [step.status for step in run.steps] == ["done", "failed", "skipped"]
    assert one(run, "train").exit_status == 3
    assert one(run, "evaluate").because == "evaluate is skipped: it needs train."
    assert run.error == error.what
    assert (small.folders.runs / run.id / "train" / "project" / "train.sh").exists()
    assert str(small.folders.runs / run.id / "train" / "project") in error.remedy


def test_a_line_without_end_does_not_flood_the_error(small):
    """The end of a long line is shown; the log has all of it."""
    small.write("train.sh", "printf '%05000d' 7\nexit 3\n")
    error, _ = failed(small)

    assert error.what.endswith("007")
    assert len(error.what) < 500
    assert Path(error.where).stat().st_size == 5000


def test_a_failed_run_is_continued_after_the_cause_is_mended(small):
    """Finished steps come from the cache, and the kept folder is removed."""
    good = (small.root / "train.sh").read_text()
    small.write("train.sh", "exit 1\n")
    _, broken = failed(small)
    small.write("train.sh", good)
    run = small.run()

    assert ran(run) == ["train", "evaluate"]
    assert not (small.folders.runs / broken.id / "train").exists()


def test_a_step_that_failed_is_not_taken_from_the_cache(small):
    """Unchanged, it runs again and says why."""
    small.write("train.sh", "exit 1\n")
    failed(small)
    _, run = failed(small)

    assert one(run, "prepare").cached
    assert one(run, "train").because == "train runs again: it failed last time."


def test_nothing_is_left_of_a_run_but_its_logs(small):
    """Scratch folders and copies of the code are gone."""
    run = small.run()

    left = sorted(path.name for path in (small.folders.runs / run.id).iterdir())
    assert set(left) <= {"prepare.log", "train.log", "evaluate.log"}


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("true", "did not write 'out/model'"),
        ("ln -s /etc out/model", "a link that leads out"),
        ("ln -s nowhere out/model", "a link that leads out"),
        ("rm -r out; ln -s /usr out; :", "did not write"),
        ("rm -r out; mkdir -p ../aside/model; ln -s ../aside out", "out/model"),
        ("mkdir out/model; mkfifo out/model/pipe", "pipe"),
        ("mkdir out/model; ln -s /etc/passwd out/model/x", "link leads out"),
    ],
)
def test_outputs_are_checked(small, script, what):
    """A step that ends well but has not written what it promised has failed."""
    small.write("train.sh", script)
    small.change('writes = { model = "out/model" }', 'writes = { model = "out/model" }\ncpus = 1')
    with pytest.raises((StepError, DataError)) as caught:
        small.run()

    assert what in str(caught.value)
    assert small.ledger.all(Run)[-1].status == "failed"


def test_a_link_within_the_folder_is_followed(small):
    """The output is what it leads to."""
    small.write("train.sh", "mkdir out/m1; echo x > out/m1/weights; ln -s m1 out/model\n")
    run = small.run()

    assert (small.output(run, "train.model") / "weights").read_text() == "x\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[1]", "not a JSON object"),
        ('{"mae": NaN}', "'mae' = nan, which is not a finite number"),
        ('{"a": {"mae": Infinity}}', "'a.mae' = inf, which is not a finite number"),
        ('{"mae": 1e999}', "not a finite number"),
        ('{"mae": "low"}', "'mae' = \"low\", which is no number"),
        ('{"mae": true}', "'mae' = true, which is no number"),
        ('{"mae": [1, 2]}', "which is no number"),
        ("{mae: 1}", "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_metrics_that_are_no_numbers_fail_the_step(small, text, what):
    """The file, the key and the value are named."""
    small.write("metrics.txt", text)
    start = small.text.index("[steps.evaluate]")
    small.text = small.text[:start] + (
        '[steps.evaluate]\nrun = "cp metrics.txt out/metrics.json"\ncode = ["metrics.txt"]\n'
        'writes = { metrics = "out/metrics.json" }\n'
    )
    error, run = failed(small)

    assert what in error.what
    assert error.where == "evaluate.metrics"
    assert run.status == "failed"


def test_a_line_that_fails_ends_a_command_of_several_lines(small):
    """The exit status of the last line does not hide it."""
    small.change('run = "sh train.sh {depth}"', 'run = """\nfalse {depth}\nsh train.sh 1\n"""')

    assert "exit status 1" in failed(small)[0].what


def test_independent_steps_finish_when_one_fails(small):
    """Only what needs the failed step is skipped."""
    small.text += '[steps.other]\nrun = "sleep 0.2; echo ok > out/x"\nwrites = { x = "out/x" }\n'
    small.write("prepare.sh", "exit 1\n")
    _, run = failed(small)

    assert [(step.name, step.status) for step in run.steps] == [
        ("prepare", "failed"),
        ("train", "skipped"),
        ("evaluate", "skipped"),
        ("other", "done"),
    ]


def test_retries_start_from_a_clean_folder(small):
    """What an attempt left behind does not reach the next; the log tells them apart."""
    tried = small.root.parent / "tried"
    small.write(
        "train.sh",
        f"ls out\ntouch out/rubbish\n[ -e {tried} ] || {{ touch {tried}; exit 1; }}\n"
        "mkdir out/model; echo 1 > out/model/weights\n",
    )
    small.change("writes = { model", "retries = 2\nbackoff = 0\nwrites = { model")
    run = small.run()

    log = (small.root / one(run, "train").log).read_text()
    assert one(run, "train").attempts == 2
    assert "[attempt 2 of 3]" in log
    assert "rubbish" not in log


def test_a_step_that_takes_too_long_fails(small):
    """The error says how long it may run."""
    small.engine = MemoryEngine(on_host, seconds=5.0)
    small.change("writes = { model", "timeout = 1\nwrites = { model")

    assert "did not end within 1 seconds" in failed(small)[0].what


def overlapping(small, cpus, steps=3):
    """The largest number of steps that were at work at once, with so many cores each."""
    now, most, lock = [0], [0], threading.Lock()

    def program(spec):
        del spec
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.15)
        with lock:
            now[0] -= 1
        return 0

    small.engine = MemoryEngine(program)
    small.text = 'name = "n"\n' + "".join(
        f'[steps.s{number}]\nrun = "true {number} {cpus}"\ncpus = {cpus}\n'
        for number in range(steps)
    )
    small.run()
    return most[0]


def test_steps_run_in_parallel_up_to_the_cores_of_the_machine(small):
    """Small ones overlap, and one that asks for more than there is runs alone."""
    assert overlapping(small, 0.1) == 3
    assert overlapping(small, 10_000) == 1
    assert [text for text in small.talk.said if "asks for 10000 cores" in text]


def test_what_the_engine_cannot_enforce_is_in_the_record(small):
    """Nothing is pretended."""
    weak = Guarantees(
        network_isolated=False, memory_limited=False, cpu_limited=True, survives_caller=True
    )
    small.engine = MemoryEngine(on_host, guarantees=weak)
    small.change("writes = { model", 'memory = "1GiB"\nwrites = { model')
    run = small.run()

    assert one(run, "train").lacking == ("the memory limit", "isolation from the network")
    assert one(run, "prepare").lacking == ("isolation from the network",)


def test_the_container_is_what_the_file_says(small):
    """Limits, network, seeds and threads reach the engine; data is mounted read-only."""
    small.change(
        "writes = { model", 'cpus = 2.5\nmemory = "1GiB"\nnetwork = true\nwrites = { model'
    )
    small.run()
    prepare, train, _ = small.engine.ran

    assert (train.cpus, train.memory, train.network) == (2.5, 2**30, "host")
    assert (prepare.network, prepare.memory, prepare.workdir) == ("none", None, "/project")
    assert train.env["SEALIFT_SEED"] == "7"
    assert "SEALIFT_SEED" not in prepare.env
    assert (train.env["OMP_NUM_THREADS"], train.env["TZ"]) == ("2", "UTC")
    data = next(m for m in prepare.mounts if m.target.startswith("/project/data"))
    assert not data.writable
    assert train.labels["sealift.step"] == "train"


def test_the_environment_of_a_step_wins_over_what_is_pinned(small):
    """The user has the last word."""
    small.change("writes = { model", 'env = { TZ = "CET" }\nwrites = { model')
    small.run()

    assert small.engine.ran[1].env["TZ"] == "CET"


def test_data_that_changes_while_a_step_reads_it_fails_the_step(small):
    """The record never names data that was not what the step saw."""
    rows = small.root / "data" / "rows.csv"
    small.write("prepare.sh", f"cat data/rows.csv > out/table.csv; echo 3 >> {rows}\n")
    with pytest.raises(DataError, match="not what was pinned"):
        small.run()

    assert small.ledger.all(Run)[-1].status == "failed"


def test_code_that_changes_while_the_run_goes_on_changes_nothing_in_it(small):
    """All steps of a run work with the code as it was at the start."""
    small.write(
        "prepare.sh",
        f"cat data/rows.csv > out/table.csv; echo exit 1 > {small.root / 'train.sh'}\n",
    )

    assert ran(small.run()) == ["prepare", "train", "evaluate"]


def test_a_step_cannot_change_its_inputs_or_the_code_of_the_project(small):
    """It works on copies."""
    small.write("prepare.sh", "echo '# x' >> prepare.sh; cp data/rows.csv out/table.csv\n")
    small.run()

    assert (small.root / "prepare.sh").read_text().count("# x") == 1


def test_outputs_of_runs_by_hand_are_not_taken_for_outputs_of_the_step(small):
    """A file at the place of an output in the project folder is no code."""
    small.write("out/model/weights", "stale")
    small.change('code = ["train.sh"]\n', "")
    small.write("train.sh", "true\n")

    assert "did not write 'out/model'" in failed(small)[0].what


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"dept": 3}, UsageError, "Did you mean 'depth'?"),
        ({"depth": "many"}, UsageError, "Give a whole number."),
    ],
)
def test_wrong_parameters_are_told_before_anything_runs(small, params, error, words):
    """No record is made of what never began."""
    with pytest.raises(error) as caught:
        small.run(**params)

    assert words in caught.value.remedy
    assert small.ledger.all(Run) == []


def test_missing_code_is_told_before_anything_runs(small):
    """With the nearest name."""
    small.change('code = ["train.sh"]', 'code = ["trian.sh"]')
    with pytest.raises(ProjectError) as caught:
        small.run()

    assert caught.value.where == "sealift.toml: steps.train.code[0]"
    assert caught.value.remedy == "Did you mean 'train.sh'?"


def test_a_second_training_at_the_same_time_is_refused(small):
    """The first holds the project's lock."""
    small.run()
    with small.ledger.exclusive("train"), pytest.raises(UsageError, match="running"):
        small.run()


def test_outputs_that_left_the_store_are_made_again(small):
    """The cache is believed only as far as the store holds it."""
    first = small.run()
    gone = one(first, "train").outputs["model"]
    (small.store.root / "blobs" / "sha256" / gone.removeprefix("sha256:")).unlink()
    run = small.run()

    assert ran(run) == ["train"]
    assert one(run, "train").because == "train runs again: its last outputs are not there."


def test_a_value_with_quotes_and_spaces_arrives_as_it_is(small):
    """The shell sees one word."""
    small.change("depth = 2", 'depth = "a b\'$c"')
    run = small.run()

    assert (small.output(run, "train.model") / "weights").read_text().startswith("a b'$c 7\n")


def test_secrets_are_not_taken_and_that_is_said(small):
    """Neither into the record nor into a step's folder."""
    small.write(".env", "TOKEN=1")
    run = small.run()

    assert run.code.left_out == (".env",)
    assert [text for text in small.talk.said if "may hold secrets: .env" in text]
    assert not (small.store.tree(run.code.digest) / ".env").exists()


def test_a_project_without_steps_is_a_run_without_steps(tmp_path):
    """Nothing to do is no error."""
    small = Small(tmp_path)
    small.text = 'name = "n"'

    assert small.run().status == "done"
