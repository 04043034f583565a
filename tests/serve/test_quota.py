"""Threads follow what the control group gives, not what the machine has."""

import math
import os

import pytest

from sealift.serve.quota import cores, memory, quota, workers


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000"}, math.inf),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu.cfs_quota_us": "200000", "cpu.cfs_period_us": "100000"}, 2.0),
        ({"cpu.max": "nonsense"}, math.inf),
    ],
)
def test_a_quota_is_read_from_either_version_of_control_groups(tmp_path, files, expected):
    """No limit, a limit, or nothing that can be understood."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")

    assert quota(tmp_path) == expected


@pytest.mark.parametrize(("limit", "expected"), [("1000", 1), ("100000", 1), ("110000", 1)])
def test_there_is_always_a_core(tmp_path, limit, expected):
    """However small the quota."""
    (tmp_path / "cpu.max").write_text(f"{limit} 100000\n")

    assert cores(tmp_path) == expected


def test_without_a_quota_the_scheduler_decides(tmp_path):
    """As many as this process may run on."""
    assert cores(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "bytes_", "count"),
    [
        ({}, math.inf, 1),
        ({"memory.max": "max"}, math.inf, 1),
        ({"memory.max": str(64 << 20)}, 64 << 20, 1),
        ({"memory/memory.limit_in_bytes": str(300 << 20)}, 300 << 20, 1),
        ({"memory.max": "nonsense"}, math.inf, 1),
    ],
)
def test_memory_bounds_the_workers(tmp_path, files, bytes_, count):
    """With one core there is one worker; without a limit on memory, cores alone count."""
    (tmp_path / "cpu.max").write_text("100000 100000")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")

    assert memory(tmp_path) == bytes_
    assert workers(tmp_path) == count


def test_a_small_container_on_a_large_machine_has_few_workers(tmp_path):
    """As many as its memory has room for, however many cores there are."""
    assert workers(tmp_path) == cores(tmp_path)
    (tmp_path / "memory.max").write_text(f"{129 << 20}")

    assert workers(tmp_path) == 1
