"""Metric points: what attempts logged, cut lines, and the helper for scripts."""

import json
import math
import subprocess
import sys

import pytest

from sealift.train import points


def logged(folder, *lines):
    """What a step appends to its file."""
    with (folder / points.FILE).open("a") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in lines)


def test_a_step_that_goes_on_from_a_checkpoint_repeats_no_point(tmp_path):
    """What the attempt before had gone beyond is gone; what it had before stays."""
    points.begin(tmp_path, None)
    logged(tmp_path, *({"step": step, "loss": 1.0, "rate": 0.1} for step in range(5)))
    points.begin(tmp_path, None)
    logged(tmp_path, {"step": 3, "loss": 0.5})

    found = points.read(tmp_path)

    assert found["loss"] == {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.5}
    assert list(found["rate"]) == [0, 1, 2, 3, 4]


def test_a_line_cut_by_a_crash_is_none_and_harms_no_other(tmp_path):
    """Whether it is the last one or an attempt came after it."""
    points.begin(tmp_path, None)
    logged(tmp_path, {"step": 1, "loss": 1.0})
    with (tmp_path / points.FILE).open("a") as file:
        file.write('{"step": 2, "lo')
    assert points.read(tmp_path) == {"loss": {1: 1.0}}

    points.begin(tmp_path, None)
    logged(tmp_path, {"step": 2, "loss": 0.5}, {"step": 3, "loss": "nan", "note": "text"}, [1])

    found = points.read(tmp_path)
    assert list(found) == ["loss"]
    assert list(found["loss"]) == [1, 2, 3]
    assert math.isnan(found["loss"][3])


def test_points_go_on_in_the_next_run(tmp_path):
    """A step with checkpoints was killed with its run: the next run has the whole curve."""
    points.begin(tmp_path / "one", tmp_path / "kept")
    logged(tmp_path / "one", {"step": 0, "loss": 1.0}, {"step": 1, "loss": 0.8})
    points.begin(tmp_path / "two", tmp_path / "kept")
    logged(tmp_path / "two", {"step": 1, "loss": 0.7})

    assert points.read(tmp_path / "two") == {"loss": {0: 1.0, 1: 0.7}}


def test_points_without_steps_are_numbered(tmp_path):
    """In the order they came."""
    points.begin(tmp_path, None)
    logged(tmp_path, {"loss": 3.0}, {"loss": 2.0, "rate": 1.0}, {"loss": 1.0})

    assert points.read(tmp_path) == {"loss": {0: 3.0, 1: 2.0, 2: 1.0}, "rate": {0: 1.0}}
    assert points.read(tmp_path / "none") == {}


SCRIPT = """
import os, sealift
for step in range(2500):
    sealift.log_metric("loss", 1 / (step + 1), step=step)
sealift.log_metrics({"loss": float("nan"), "rate": 1}, step=2500)
sealift.log_metric("loss", "no number")
sealift.log_metric("loss", None, step="x")
if os.fork() == 0:
    sealift.log_metric("child", 1.0, step=1)
    os._exit(0) if sealift.flush() is None else None
os.wait()
"""


@pytest.mark.parametrize("place", ["points.jsonl", "none/there/points.jsonl"])
def test_the_helper_needs_nothing_and_breaks_nothing(tmp_path, place):
    """Without any package; where nothing can be written, the script still ends well."""
    points.begin(tmp_path, None)
    env = {"PYTHONPATH": str(tmp_path), "SEALIFT_METRICS": str(tmp_path / place)}

    done = subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT], env=env, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    found = points.read(tmp_path)
    if place == points.FILE:
        assert len(found["loss"]) == 2501
        assert found["loss"][2499] == 1 / 2500
        assert (found["rate"], found["child"]) == ({2500: 1.0}, {1: 1.0})
    else:
        assert found == {}
