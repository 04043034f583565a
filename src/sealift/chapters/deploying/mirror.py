"""The prediction logs of an environment's servers, copied here as they grow.

Each file here is the beginning of one there, so that whoever was killed goes on where it ends. What
a server wrote in the last moments before it was removed is not seen.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift import clock
from sealift.errors import ClusterError, ForbiddenError, MachineError
from sealift.kubernetes.kinds import POD, SECRET
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.pod import HTTP
from sealift.kubernetes.reading import text
from sealift.kubernetes.records import HEADER, reader_name, secret, word_of
from sealift.ports import Cluster, Progress
from sealift.retired import MARK
from sealift.whole import whole

PIECES = 4
"""Pieces (of at most 4 MiB) that are read of a pod in one round."""

_SIZES = msgspec.json.Decoder(dict[str, int])


def ensure_word(cluster: Cluster, place: Place, service: str, progress: Progress) -> None:
    """Let there be a word for which servers hand their logs out; say where there may be none."""
    try:
        if not _word(cluster, place, service):
            cluster.apply(secret(service, place, clock.token(48)))
    except ForbiddenError as error:
        progress.say(f"Predictions are not read: {error.what}")


def _word(cluster: Cluster, place: Place, service: str) -> str:
    return word_of(cluster.get(SECRET, reader_name(service), place.settings.namespace))


class Mirror:
    """Copies the logs below ``folder``, a folder for each pod."""

    def __init__(self, cluster: Cluster, place: Place, service: str, folder: Path) -> None:
        self._cluster = cluster
        self._place = place
        self._service = service
        self._folder = folder
        self._known: str | None = None

    @property
    def able(self) -> bool:
        """Whether there is a word, and it may be read."""
        if self._known is None:
            try:
                self._known = _word(self._cluster, self._place, self._service)
            except ForbiddenError:
                self._known = ""
        return bool(self._known)

    def tick(self) -> None:
        """Copy what was added since; of pods that are gone it is noted that nothing will be.

        Raises ``MachineError`` where it cannot be written here.
        """
        if not self.able:
            return
        labels = {"app.kubernetes.io/name": self._service}
        pods = self._cluster.find(POD, self._place.settings.namespace, labels).items
        names = {text(one, "metadata", "name") for one in pods if _serves(one)}
        try:
            for name in sorted(names):
                self._copy(name)
            for left in self._folder.glob("*/"):
                if left.name not in names:
                    (left / MARK).touch()
                    (self._folder / f"{left.name}.json").unlink(missing_ok=True)
        except OSError as error:
            raise MachineError(
                f"Prediction logs cannot be kept: {error.strerror}.", where=str(self._folder)
            ) from error

    def _copy(self, pod: str) -> None:
        folder, note = self._folder / pod, self._folder / f"{pod}.json"
        try:
            there = _SIZES.decode(self._ask(pod, "/records"))
        except (ClusterError, msgspec.DecodeError):  # it starts, ends, or is another's server
            return
        have = _SIZES.decode(note.read_bytes()) if note.exists() else {}
        for path in folder.glob("*.jsonl"):
            have[path.name] = max(have.get(path.name, 0), path.stat().st_size)
        left = PIECES
        for name, size in there.items():
            while have.get(name, 0) < size and left:
                left -= 1
                try:
                    piece = self._ask(pod, f"/records/{name}/{have.get(name, 0)}")
                except ClusterError:  # it ends, or made room for newer ones
                    break
                if not piece:
                    break
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / name).open("ab") as file:
                    file.write(piece)
                have[name] = have.get(name, 0) + len(piece)
        self._folder.mkdir(parents=True, exist_ok=True)
        with whole(note, "The note of what was read") as file:
            file.write(msgspec.json.encode({name: have[name] for name in there if name in have}))

    def _ask(self, pod: str, path: str) -> bytes:
        headers = {HEADER: self._known or ""}
        namespace = self._place.settings.namespace
        return self._cluster.fetch(pod, namespace, HTTP, path, headers)


def _serves(pod: Object) -> bool:
    return text(pod, "metadata", "labels", "sealift.version").isdigit()


__all__ = ["Mirror", "ensure_word"]
