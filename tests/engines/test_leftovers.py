"""What a killed process left half done goes away, and nothing else does."""

import os
from pathlib import Path

import pytest

from sealift import clock, process
from sealift.adapters.engines import leftovers
from sealift.adapters.engines.lease import lease


def test_only_old_leftovers_are_removed(tmp_path):
    """Files, folders and links; somebody may still be at work on a young one."""
    for name in ("env-old", "env-young", "other"):
        (tmp_path / name).touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "env-folder").mkdir()
    (tmp_path / "env-folder" / "blob").touch()
    (tmp_path / "env-link").symlink_to(tmp_path / "kept")
    past = clock.now() - 2 * leftovers.OLD
    for name in ("env-old", "other", "env-folder", "env-link"):
        os.utime(tmp_path / name, (past, past), follow_symlinks=False)
    leftovers.clear(tmp_path, "env-*")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["env-young", "kept", "other"]


def test_a_lease_that_was_kept_does_nothing(tmp_path):
    """Also when somebody killed the watchdog, or the block failed."""
    sign = tmp_path / "sign"
    with lease("touch", str(sign)):
        pass
    with pytest.raises(ZeroDivisionError), lease("touch", str(sign)):
        assert 1 // 0
    with lease("sleep", str(sign)):
        watchdogs = [pid for pid in _children() if str(sign) in _line(pid)]
        assert len(watchdogs) == 1
        os.kill(watchdogs[0], 9)

    assert not sign.exists()


def _children():
    """Looked for one by one: the kernel's list of them may skip some while others end."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in found if process.started(pid) and _parent(pid) == os.getpid()]


def _parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _line(pid):
    return Path(f"/proc/{pid}/cmdline").read_text()
