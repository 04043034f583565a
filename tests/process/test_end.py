"""Ending another process: asked first, killed when it does not, gone in either case."""

import subprocess
import sys

from sealift import process

DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
signal.pause()
"""


def started(program):
    """A child, once it has said something."""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    child.stdout.close()
    return child


def test_a_child_that_is_asked_to_end_is_gone_and_out_of_the_table():
    """It does not stay behind as one that ended and that nobody waited for."""
    child = started("import signal; print('here', flush=True); signal.pause()")

    assert process.end(child.pid, process.started(child.pid), 60.0)
    assert process.started(child.pid) is None
    assert child.pid not in dict(process.ended())
    child.wait()


def test_a_process_that_does_not_listen_is_killed():
    """After the time that it is given."""
    child = started(DEAF)

    assert process.end(child.pid, process.started(child.pid), 0.1)
    child.wait()
