"""Threads follow what the control group gives, not what the machine has."""

import math
import os

import pytest

from sealift.serve.quota import cores, quota


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
