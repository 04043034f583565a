"""Log so many points of one metric into a recorded run: ``python -m benchmarks.train.logged N``.

In the project in the working folder; prints the seconds it took.
"""

from __future__ import annotations

import sys

import sealift
from sealift import clock


def main(count: str) -> None:
    """One by one, as scripts do."""
    run = sealift.run("points")
    began = clock.monotonic()
    for step in range(int(count)):
        sealift.log_metric("loss", 1 / (1 + step), step)
    run.end()
    sys.stdout.write(f"{clock.monotonic() - began}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
