"""What the benchmarks keep, and the pages made of it."""

import sys

import msgspec
import pytest

from benchmarks import program, render, result
from benchmarks.result import Where

HERE = Where(machine="2 cores", commit="abc", date="2026-01-02")
SAMPLES = {"ours": [2.0, 9.0, 1.0], "slow": [8.0, 8.0], "quick": [1.0]}


def made(**more):
    """A result of these samples."""
    return result.result("cold build", SAMPLES, HERE, **more)


def test_a_number_is_the_median_of_its_samples():
    """And every sample is kept beside it."""
    one = made()
    assert one.ours == 2.0
    assert one.rivals == {"slow": 8.0, "quick": 1.0}
    assert one.samples == SAMPLES
    assert one.repeats == 3


def test_who_has_no_sample_has_no_number():
    """Neither ours nor a rival."""
    one = result.result("x", {"ours": [], "rival": []}, HERE)
    assert one.ours is None
    assert one.rivals == {}
    assert result.keeps(one) is None


@pytest.mark.parametrize(
    ("better", "limit", "kept"),
    [("less", 2.0, True), ("less", 1.9, False), ("more", 2.0, True), ("more", 2.1, False)],
)
def test_a_limit_is_kept_up_to_its_value(better, limit, kept):
    """Whichever way is better."""
    assert result.keeps(made(better=better, limit=limit)) is kept


def test_results_are_read_as_they_were_kept(tmp_path, monkeypatch):
    """By the name of their group."""
    monkeypatch.setattr(result, "ROOT", tmp_path)
    result.save("stage", "cold", [made()])
    assert result.load("stage") == {"cold": [made()]}
    assert (
        msgspec.json.decode((tmp_path / "stage/results/cold.json").read_bytes())[0]["unit"] == "s"
    )


def test_a_table_goes_from_the_best_rival_to_the_worst_with_ratios():
    """Ours first."""
    lines = [line for line in render.section(made()).splitlines() if line.startswith("|")][2:]
    assert lines == [
        "| **Sealift** | 2 s | 1 s to 9 s | 1.00 |",
        "| quick | 1 s | 1 s to 1 s | 0.50 |",
        "| slow | 8 s | 8 s to 8 s | 4.00 |",
    ]


def test_a_missed_limit_is_told():
    """On the same page as those that are kept."""
    page = render.overview([made(limit=1.0, rule="half"), made(limit=5.0), made()])
    assert page.count("**no**") == 1
    assert page.count("| yes |") == 1


def test_who_could_not_run_is_named_with_the_reason():
    """A rival is never left out in silence."""
    assert "- cog: its builder is not here" in render.section(
        made(absent={"cog": "its builder is not here"})
    )


def test_the_memory_of_a_program_and_its_children_is_seen():
    """A grandchild that holds 64 MB for a moment counts."""
    hold = "import time; held = bytearray(64 << 20); time.sleep(0.3)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {hold!r}])"
    words = [sys.executable, "-S", "-c", script]
    assert program.run(words, memory=True).peak > 64 << 20


def test_a_program_that_fails_says_why():
    """With its last words, which the page shows."""
    with pytest.raises(program.FailedError, match="status 3: no room"):
        program.run(["sh", "-c", "echo no room >&2; exit 3"])
    with pytest.raises(program.FailedError, match="No such file"):
        program.run(["no-such-program-anywhere"])


def test_links_are_counted_once(tmp_path):
    """As the disk counts them."""
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").write_bytes(b"1")
    assert program.size_of(tmp_path) == 6
