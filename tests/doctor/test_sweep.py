"""An examination leaves nothing running that it started, and ends nothing else."""

import os
import subprocess
import sys

import pytest

from sealift import process
from sealift.doctor import examine
from sealift.doctor.check import Check, Seen
from sealift.doctor.sweep import MARK, swept
from sealift.folders import Folders

# as podman does: a child of a child, in a session of its own
LEAVES = """
import os, sys
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.closerange(0, 3)
    os.execvp("sleep", ["sleep", "60"])
"""


def leave():
    """Start a process that outlives the one that started it; its id."""
    return int(process.run([sys.executable, "-c", LEAVES], timeout=30).text)


@pytest.fixture
def there():
    """A process that was there before."""
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_what_a_check_leaves_running_is_ended(tmp_path, there):
    """However far it went away from its parents."""
    left = []

    def look(_patient):
        left.append(leave())
        return Seen("something")

    examine(Folders(tmp_path), [Check("leaves", "It leaves something.", look)])

    assert process.started(left[0]) is None
    assert there.poll() is None


def test_what_another_examination_started_stays(there):
    """Each has a mark of its own, and none is left in the environment."""
    before = os.environ.get(MARK)
    with swept():
        inner = leave()
        with swept():
            pass
        assert process.started(inner) is not None

    assert process.started(inner) is None
    assert os.environ.get(MARK) == before
    assert there.poll() is None
