"""One digest, whoever builds: the short form of what the benchmarks do with the real command."""

import os
import subprocess
import sys
from pathlib import Path

from test_images import builder, copy

from benchmarks.package.measures.same import CELLS, Cell

BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_images import builder, model
build, store, _ = builder(Path(sys.argv[1]))
_, record = model(store, Path(sys.argv[1]) / "model")
print(build.serving_image(record).digest)
"""
TRIED = ("another user", "one core", "hash seed 1")


def digest(folder, cell):
    """The digest of the serving image that a process in a circumstance builds."""
    words = [*cell.before, sys.executable, "-c", BUILD, folder, Path(__file__).parent]
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **cell.around},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_circumstance_changes_the_digest(world):
    """Another user (in a user namespace, without rights), one core, another hash seed."""
    builder(world)[0].lock()
    plain = digest(copy(world, "plain"), Cell("as it is"))
    tried = [cell for cell in CELLS if cell.name in TRIED]
    assert len(tried) == len(TRIED)
    for number, cell in enumerate(tried):
        assert digest(copy(world, str(number)), cell) == plain, cell.name
