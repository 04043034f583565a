"""Run the measures of the packager: ``python -m benchmarks.package``."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable

from benchmarks import result
from benchmarks.package.field import RIVALS, Field, everybody, say
from benchmarks.package.measures import bytecode, changes, cold, image, large, many, same
from benchmarks.program import FailedError
from benchmarks.result import Result
from sealift import clock

STAGE = "package"
GROUPS: dict[str, Callable[[Field], list[Result]]] = {
    "cold": cold.measure,
    "changes": changes.measure,
    "many": many.measure,
    "image": image.measure,
    "large": large.measure,
    "bytecode": bytecode.measure,
    "same": same.measure,
}


def main() -> int:
    """Measure, and keep the results; the exit status is 1 where a group could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="samples of each short measure")
    parser.add_argument("--only", nargs="*", choices=sorted(GROUPS), help="these groups alone")
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=RIVALS, help="beside these")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all that runs is ended
    failed = 0
    with everybody(asked.repeats, asked.rivals) as field:
        for name in asked.only or GROUPS:
            began = clock.monotonic()
            try:
                result.save(STAGE, name, GROUPS[name](field))
            except FailedError as error:
                failed = 1
                say(f"{name} could not be measured: {error}")
            say(f"{name}: {clock.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
