"""Keeping checkpoints of a step at work in a bucket, and telling what it logs: ``keep PLAN``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import clock, process, still
from sealift.adapters.caches.checkpoints import Checkpoints
from sealift.adapters.stores.trees import remove
from sealift.errors import SealiftError
from sealift.kubernetes.porter import Beside
from sealift.porter.shelf import opened
from sealift.porter.tell import Told, ending
from sealift.types import Digest

SHARE = 10
"""Times as long as it took to send a checkpoint is waited at least before the next is sent."""


def main(arguments: Sequence[str]) -> int:
    """Do what the first argument says until this process is told to end; the exit status."""
    plan = msgspec.json.decode(arguments[0], type=Beside)
    ended, keeper = ending(), Keeper(plan)
    thread = threading.Thread(target=keeper.until, args=(ended,))
    thread.start()
    Told(plan.told, sys.stdout.buffer).until(ended)
    thread.join()
    return 0


class Keeper:
    """Sends what is new in the folders of a plan."""

    def __init__(self, plan: Beside) -> None:
        self._plan = plan
        self._sent: object = None
        self._said = ""

    def until(self, ended: threading.Event) -> None:
        """Send once in a while, and at the end."""
        pause = float(self._plan.every)
        while True:
            over = ended.wait(pause)
            began = clock.monotonic()
            self.send()
            if over:
                return
            pause = max(float(self._plan.every), SHARE * (clock.monotonic() - began))

    def send(self) -> None:
        """Send what is new, if anything is; what fails is said once, and tried again later."""
        try:
            self._send()
        except (OSError, SealiftError) as error:
            self._say(error.what if isinstance(error, SealiftError) else str(error))
        else:
            self._said = ""

    def _send(self) -> None:
        folders = {name: Path(one) for name, one in self._plan.kept.parts.items()}
        now = [still.listing(one) for one in folders.values()]
        if now == self._sent or not any(map(still.filled, folders.values())):
            return
        aside = next(iter(folders.values())).with_name(".leaving")
        remove(aside)
        found = [still.put_aside(one, aside / name) for name, one in folders.items()]
        if None in found:
            return  # it is written to without a pause; the next time
        Checkpoints(opened(self._plan.bucket)).keep(Digest(self._plan.kept.key), aside)
        remove(aside)
        self._sent = found

    def _say(self, why: str) -> None:
        if why != self._said:
            self._said = why
            sys.stderr.write(f"Checkpoints are not kept: {why}\n")
            sys.stderr.flush()


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["Keeper", "main"]
