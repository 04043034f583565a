"""What has come of a client and belongs to no request yet."""

from __future__ import annotations

from sealift.serve.http.head import END, LARGEST, Head, Heads, too_large, unended


class Incoming:
    """Bytes, from which heads and bodies are taken; its length is that of what is left.

    ``looked`` is how much of a head that has not ended was looked through.
    """

    __slots__ = ("_at", "_data", "looked")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self.looked = 0

    def __len__(self) -> int:
        """Bytes that are left."""
        return len(self._data) - self._at

    def add(self, data: bytes) -> None:
        """Take in what came."""
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        else:
            self.looked = 0
        self._data, self._at = data, 0

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

        Raises ``RefusalError`` for one that means nothing for sure, or is too large.
        """
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
            raise too_large()
        head = heads.read(data[at:end])
        self.looked = 0
        self._at = end
        return head

    def _await(self, at: int) -> None:
        data = self._data = self._data[at:]
        self._at = 0
        self.looked = max(0, len(data) - len(END) + 1)
        if len(data) > LARGEST:
            raise too_large()
        line = data.find(b"\n")
        if line >= 0 and data[:line][-1:] != b"\r":
            raise unended()


__all__ = ["Incoming"]
