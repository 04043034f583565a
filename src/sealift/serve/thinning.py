"""Which rows of a fast stream are recorded: all while it is slow, else an even share of them."""

from __future__ import annotations

LOOK = 0.1
"""Seconds after which it is looked anew how fast rows come."""


class Thinning:
    """Chooses rows so that about ``rate`` are kept in a second (0: all of them).

    Rows are taken at even distances, whatever they hold and however requests group them, so that
    what is kept stands for the whole.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._since = 0.0
        self._seen = 0
        self._step = 1.0
        self._next = 0.0

    def chosen(self, rows: int, now: float) -> list[int] | None:
        """The numbers of the rows to keep of so many that came now; None for all.

        ``now`` is by the monotonic clock.

        >>> thinning = Thinning(10.0)
        >>> thinning.chosen(4, 1.0), thinning.chosen(3, 1.2), thinning.chosen(6, 1.2)
        (None, [0, 2], [1, 3, 5])
        >>> thinning.chosen(1, 9.0)
        """
        if self._rate and now - self._since >= LOOK:
            self._look(now)
        self._seen += rows
        step = self._step
        if self._rate and rows > self._rate * step:
            # of one request no more than a second's worth
            step = rows / self._rate
        if step == 1.0:
            return None
        kept = []
        place = self._next
        while place < rows:
            kept.append(int(place))
            place += step
        self._next = place - rows
        return kept

    def _look(self, now: float) -> None:
        self._step = max(1.0, self._seen / (now - self._since) / self._rate)
        self._next = min(self._next, self._step)
        self._since, self._seen = now, 0


__all__ = ["Thinning"]
