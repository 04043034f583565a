"""A folder that several machines see: a network drive, or a bucket that is mounted.

``steps/HH/KEY.json`` is how a step with a key ended, ``blobs/sha256/HEX`` are its outputs. A blob
is there before the step that names it; both are written under another name and renamed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.errors import MachineError
from sealift.ports import Store
from sealift.record.image import LAYER
from sealift.record.run import StepRun
from sealift.types import Digest


class FolderCache:
    """The cache in ``folder``, and the ``store`` that outputs come from and go to."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder, self._store = folder, store

    def find(self, key: Digest) -> StepRun | None:
        """A step with this key, its outputs brought into the store; None where none is whole.

        Raises ``MachineError`` where the folder cannot be read.
        """
        try:
            step = msgspec.json.decode(self._entry(key).read_bytes(), type=StepRun)
            if step.key != key or not all(map(self._bring, step.outputs.values())):
                return None
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        except OSError as error:
            raise self._fault(error, "read") from error
        return step

    def offer(self, step: StepRun) -> None:
        """Put a finished step there for others. Raises ``MachineError`` where that fails."""
        try:
            if not self._folder.is_dir():
                raise FileNotFoundError(2, "there is no such folder", str(self._folder))
            for output in step.outputs.values():
                self._send(output)
            entry = self._entry(step.key)
            with _Part(entry) as part:
                part.write_bytes(msgspec.json.encode(step))
        except OSError as error:
            raise self._fault(error, "written") from error

    def _entry(self, key: Digest) -> Path:
        word = key.partition(":")[2]
        return self._folder / "steps" / word[:2] / f"{word}.json"

    def _blob(self, output: Digest) -> Path:
        return self._folder / "blobs" / "sha256" / output.partition(":")[2]

    def _bring(self, output: Digest) -> bool:
        """Have an output in the store; what is not what its name says does not count."""
        if self._store.has(output):
            return True
        blob = self._blob(output)
        if not blob.is_file() or digest.of_file(blob) != output:
            return False
        with blob.open("rb") as stream:
            return self._store.put(stream, LAYER).digest == output

    def _send(self, output: Digest) -> None:
        blob = self._blob(output)
        if blob.is_file():
            return
        with _Part(blob) as part, self._store.open(output) as whole, part.open("xb") as file:
            shutil.copyfileobj(whole, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())

    def _fault(self, error: OSError, what: str) -> MachineError:
        return MachineError(
            f"The shared cache cannot be {what}: {error.strerror or error}.",
            where=str(error.filename or self._folder),
            remedy="Mount it, mend its permissions, or take cache.shared out of sealift.toml.",
        )


class _Part:
    """A file under another name, which becomes ``target`` when the block ends well."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.{clock.token(12)}")

    def __enter__(self) -> Path:
        self._part.parent.mkdir(parents=True, exist_ok=True)
        return self._part

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._part.replace(self._target)
        else:
            self._part.unlink(missing_ok=True)


__all__ = ["FolderCache"]
