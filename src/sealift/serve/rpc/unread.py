"""What has come of a client and cannot be read yet, in the room that all clients share."""

from __future__ import annotations

from sealift.serve.admission import Room
from sealift.serve.refusal import RefusalError


class Unread:
    """Counts it; ``reserved`` is the room that it takes, in bytes."""

    __slots__ = ("_room", "reserved")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.reserved = 0

    def hold(self, size: int) -> bool:
        """Take room for so many bytes in all, or leave some; false where there is none."""
        more = size - self.reserved
        if more <= 0:
            self._room.leave(self, -more)
            return True
        try:
            self._room.take(self, more)
        except RefusalError:
            return False
        return True


__all__ = ["Unread"]
