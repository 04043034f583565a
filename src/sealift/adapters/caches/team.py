"""The cache of a team, in objects: finished steps with their outputs, and checkpoints of others.

``steps/HH/KEY.json`` is how a step with a key ended, ``blobs/sha256/HEX`` are its outputs: a blob
is there before the step that names it.
``runs/ID.json`` is the record of a finished run, for `sealift reproduce` on other machines.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from sealift.adapters.caches.checkpoints import Checkpoints
from sealift.adapters.caches.objects import Objects, blob_name
from sealift.errors import IntegrityError, UsageError
from sealift.ports import Store
from sealift.record.image import LAYER
from sealift.record.run import Run, StepRun
from sealift.types import Digest

RUNS = "runs"
AT_ONCE = 16
"""Questions that are asked at once: over a network each takes a while."""


class TeamCache:
    """The cache in ``objects``, and the ``store`` that outputs come from and go to."""

    def __init__(self, objects: Objects, store: Store) -> None:
        self._objects, self._store = objects, store
        self._checkpoints = Checkpoints(objects)
        self._damaged: set[str] = set()

    def find(self, key: Digest) -> StepRun | None:
        """A step with this key, its outputs brought into the store; None where none is whole.

        Raises ``IntegrityError`` for what was damaged there, ``MachineError`` where it cannot be
        reached.
        """
        step = self._step(key)
        if step is None:
            return None
        try:
            return step if all(map(self.bring, step.outputs.values())) else None
        except IntegrityError:
            # the others were not looked at: who makes the step again puts all of it there again
            self._damaged.update(map(blob_name, step.outputs.values()))
            raise

    def offer(self, step: StepRun) -> None:
        """Put a finished step there for others; one that is there and whole stays."""
        for output in step.outputs.values():
            self.send(output)
        entry, content = _entry(step.key), msgspec.json.encode(step)
        if not self._objects.put(entry, content, replace=entry in self._damaged):
            with suppress(IntegrityError):
                there = self._step(step.key)
                if there and all(map(self._whole, there.outputs.values())):
                    return
            self._objects.put(entry, content, replace=True)

    def bring(self, output: Digest) -> bool:
        """Have a blob in the store; false where it is not there.

        Raises ``IntegrityError`` for one that is not what its name says.
        """
        if self._store.has(output):
            return True
        stream = self._objects.open(blob_name(output))
        if stream is None:
            return False
        with stream:
            found = self._store.put(stream, LAYER).digest
        if found != output:
            raise self._damage(blob_name(output))
        return True

    def send(self, output: Digest) -> None:
        """Put a blob of the store there, unless it is there."""
        path = self._store.root / "blobs" / output.replace(":", "/")
        if not self._whole(output):
            self._objects.put(blob_name(output), path, replace=blob_name(output) in self._damaged)

    def keep(self, key: Digest, folder: Path) -> None:
        """Keep what a step at work has in a folder, in place of what was kept of it before."""
        self._checkpoints.keep(key, folder)

    def resume(self, key: Digest, folder: Path) -> bool:
        """Make a folder with what was kept last of a step; whether there was anything whole."""
        return self._checkpoints.resume(key, folder)

    def drop(self, key: Digest) -> None:
        """Remove what was kept of a step, which is done."""
        self._checkpoints.drop(key)

    def publish(self, run: Run) -> None:
        """Put the record of a finished run there, with its code and its outputs."""
        self.send(run.code.digest)
        # what ran was offered, what came from here is here; the rest is from before there was this
        mine = [one for one in run.steps if one.cached and one.log]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._complete, mine))
        self._objects.put(f"{RUNS}/{run.id}.json", msgspec.json.encode(run), replace=True)

    def recall(self, word: str) -> Run | None:
        """A run by its id, or by how that alone begins or ends, with its code and its outputs.

        Raises ``UsageError`` where several fit, ``IntegrityError`` for one that was damaged.
        """
        ids = [name.removeprefix(f"{RUNS}/").removesuffix(".json") for name in self._runs()]
        fitting = [one for one in ids if word and (one.startswith(word) or one.endswith(word))]
        if word in ids:
            fitting = [word]
        if len(fitting) > 1:
            raise UsageError(
                f"{len(fitting)} runs of the team fit {word!r}.",
                remedy=f"Write more of the id, such as {fitting[-1]}.",
            )
        stream = self._objects.open(f"{RUNS}/{fitting[0]}.json") if fitting else None
        if stream is None:
            return None
        with stream:
            content = stream.read()
        try:
            run = msgspec.json.decode(content, type=Run)
        except msgspec.DecodeError as error:
            raise self._damage(f"{RUNS}/{fitting[0]}.json") from error
        outputs = {tree for one in run.steps for tree in one.outputs.values()}
        for blob in (run.code.digest, *sorted(outputs)):
            self.bring(blob)
        return run

    def _complete(self, step: StepRun) -> None:
        if not self._objects.has(_entry(step.key)):
            self.offer(step)

    def _runs(self) -> list[str]:
        return self._objects.names(f"{RUNS}/")

    def _step(self, key: Digest) -> StepRun | None:
        stream = self._objects.open(_entry(key))
        if stream is None:
            return None
        with stream:
            content = stream.read()
        try:
            step = msgspec.json.decode(content, type=StepRun)
        except msgspec.DecodeError as error:
            raise self._damage(_entry(key)) from error
        if step.key != key:
            raise self._damage(_entry(key))
        return step

    def _whole(self, output: Digest) -> bool:
        return blob_name(output) not in self._damaged and self._objects.has(blob_name(output))

    def _damage(self, name: str) -> IntegrityError:
        """The error for an object that is not what it should be; it is replaced when it can be."""
        self._damaged.add(name)
        return IntegrityError(
            "Something in the shared cache was damaged or changed; it is made again.", where=name
        )


def _entry(key: Digest) -> str:
    word = key.partition(":")[2]
    return f"steps/{word[:2]}/{word}.json"


__all__ = ["TeamCache"]
