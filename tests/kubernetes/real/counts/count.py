"""Count in small steps, and go on from the last checkpoint."""

import os
import sys
import time
from pathlib import Path

AT = Path(os.environ["SEALIFT_CHECKPOINTS"]) / "at"
SECONDS, PARTS = float(sys.argv[1]), 40


def main() -> None:
    """The sum of all numbers; each is said when it is kept."""
    at, total = map(int, AT.read_text().split()) if AT.exists() else (0, 0)
    say(f"begins at {at}")
    while at < PARTS:
        time.sleep(SECONDS / PARTS)
        at += 1
        total += at
        new = AT.with_suffix(".new")
        new.write_text(f"{at} {total}")
        new.rename(AT)
        say(f"now {at}")
    Path("out").mkdir(exist_ok=True)
    Path("out/total").write_text(f"{total}\n")


def say(text: str) -> None:
    """A line of the step's log, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
