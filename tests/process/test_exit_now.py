"""Ending a process at once."""

import subprocess
import sys

PROGRAM = """
import atexit, sys, threading
from sealift import process
atexit.register(print, "torn down")
threading.Thread(target=threading.Event().wait).start()
sys.stdout.write("the last word")
process.exit_now(3)
"""


def test_it_ends_with_its_last_words_though_a_thread_lives():
    """What was printed arrives, the status is the asked one, nothing is torn down."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "the last word")
