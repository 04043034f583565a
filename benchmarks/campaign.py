"""Long series of faults: ``make campaign NAME=package-kills``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from benchmarks import result
from benchmarks.package import kill_campaign
from benchmarks.result import Result, keeps
from benchmarks.serving.fuzz import campaign as serving_fuzz
from benchmarks.train import kill_campaign as train_kills
from benchmarks.train import resumed

CAMPAIGNS: dict[str, tuple[str, Callable[[int], Sequence[Result]]]] = {
    "package-kills": ("package", kill_campaign.run),
    "serving-fuzz": ("serving", serving_fuzz.run),
    "train-kills": ("train", train_kills.run),
    "train-resumed": ("train", resumed.run),
}


def main() -> int:
    """Run a campaign and keep its results; the exit status is 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(CAMPAIGNS))
    parser.add_argument("--seed", type=int, default=20260101, help="of everything random")
    asked = parser.parse_args()
    stage, run = CAMPAIGNS[asked.name]
    found = run(asked.seed)
    result.save(stage, asked.name.removeprefix(f"{stage}-"), found)
    return 0 if sound(found) else 1


def sound(found: Sequence[Result]) -> bool:
    """Whether every measure that has a limit has a number, and keeps it."""
    return all(keeps(one) for one in found if one.limit is not None)


if __name__ == "__main__":
    raise SystemExit(main())
