"""What has come of a client and belongs to no request yet."""

from __future__ import annotations

from sealift.serve.admission import Room
from sealift.serve.http.head import END, LARGEST, Head, Heads, too_large, unended
from sealift.serve.refusal import RefusalError

AHEAD = 1 << 16
"""Bytes that are taken of a client beyond the request that is being answered."""

FREE = 4096
"""Bytes that are held of each client; for more there must be room."""


class Incoming:
    """Bytes, from which heads and bodies are taken; its length is that of what is left.

    ``looked`` is how much of a head that has not ended was looked through; ``reserved`` counts the
    bytes that take room, and ``refusal`` tells that there was none.
    """

    __slots__ = ("_at", "_data", "_room", "looked", "refusal", "reserved")

    def __init__(self, room: Room) -> None:
        self._data = b""
        self._at = 0
        self._room = room
        self.looked = 0
        self.reserved = 0
        self.refusal: RefusalError | None = None

    def __len__(self) -> int:
        """Bytes that are left."""
        return len(self._data) - self._at

    def add(self, data: bytes) -> None:
        """Take in what came, unless there was no room for what came before."""
        if self.refusal is not None:
            return
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        else:
            self.looked = 0
        self._data, self._at = data, 0

    def keep(self) -> None:
        """Make room for what is held; without room it is forgotten, and so is what follows."""
        more = max(0, len(self._data) - FREE) - self.reserved
        if more <= 0:
            self._room.leave(self, -more)
            return
        try:
            self._room.take(self, more)
        except RefusalError as refusal:
            self.clear()
            self.refusal = refusal

    def clear(self) -> None:
        """Forget what is held."""
        self._data, self._at, self.looked = b"", 0, 0
        self._room.give_back(self)

    def seen(self) -> bytes:
        """What is left, which stays."""
        return self._data[self._at :]

    def take(self, length: int) -> bytes:
        """The next bytes, as many as there are up to a length."""
        data, begin = self._data, self._at
        end = begin + length
        taken = data[begin:end]
        if 2 * end < len(data):
            self._at = end
        else:
            # what has been taken is not held for the sake of what follows it
            self._data, self._at = data[end:], 0
        return taken

    def head(self, heads: Heads) -> Head | None:
        """The next head, once all of it has come.

        Raises ``RefusalError`` for one that means nothing for sure, is too large, or finds no room.
        """
        if self.refusal is not None:
            raise self.refusal
        data, at = self._data, self._at
        if at == len(data):
            self.looked = 0
            return None
        while data.startswith(b"\r\n", at):
            at += 2
        end = data.find(END, max(at, self.looked))
        if end < 0:
            self._await(at)
            return None
        end += len(END)
        if end - at > LARGEST:
            _ended(data, at)
            raise too_large()
        head = heads.read(data[at:end])
        self.looked = 0
        self._at = end
        return head

    def _await(self, at: int) -> None:
        data = self._data = self._data[at:]
        self._at = 0
        self.looked = max(0, len(data) - len(END) + 1)
        # the answer must not depend on how much of it came at once
        _ended(data, 0)
        if len(data) > LARGEST:
            raise too_large()


def _ended(data: bytes, at: int) -> None:
    """Refuse a first line, as far as it is not too large, that does not end with CR LF."""
    line = data.find(b"\n", at, at + LARGEST)
    if line >= 0 and data[max(at, line - 1) : line] != b"\r":
        raise unended()


__all__ = ["Incoming"]
