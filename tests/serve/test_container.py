"""The entry point inside an image, as a process."""

import json
import subprocess
import sys

import pytest
from toy_running import environment


def ran(*arguments, **settings):
    """Run the entry point: its status and the last line it logged."""
    done = subprocess.run(
        [sys.executable, "-m", "sealift.container", *arguments],
        env=environment(**settings),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["serve", "a", "b"], ["learn", "a"]])
def test_wrong_arguments_end_with_usage(arguments):
    """Exit status 2 and what to write."""
    status, event = ran(*arguments)

    assert (status, event["kind"]) == (2, "UsageError")
    assert "serve|learn" in event["remedy"]


def test_nothing_is_sent_home_or_kept_for_it(columns_folder, tmp_path):
    """Onnxruntime collects nothing: no identifier of the device, no store of events to send."""
    home = tmp_path / "home"
    home.mkdir()

    ran("learn", str(columns_folder.parent / "in"), str(tmp_path / "out"), HOME=str(home))

    assert list(home.rglob("*")) == []


def test_learning_runs_as_a_process_of_its_own(columns_folder, tmp_path):
    """Status 0, one line, three files."""
    status, event = ran("learn", str(columns_folder.parent / "in"), str(tmp_path / "out"))

    assert (status, event["event"], event["vectors"]) == (0, "learnt", 64)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "contract.json",
        "golden.json",
        "profile.json",
    ]
