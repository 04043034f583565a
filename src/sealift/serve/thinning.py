"""Which rows of a fast stream are recorded: all while it is slow, else an even share of them."""

from __future__ import annotations

LOOK = 0.1
"""Seconds after which it is looked anew how fast rows come."""

MANY = 256
"""Rows that may be kept until then, unless the rate allows more: a stream that sets in suddenly is
looked at sooner, so that its first rows do not fill the memory."""

SHORTEST = 0.001
"""Seconds that rows are taken to have come in, at least."""


class Thinning:
    """Chooses rows so that about ``rate`` are kept in a second (0: all of them).

    Rows are taken at even distances, whatever they hold and however requests group them, so that
    what is kept stands for the whole.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._since = 0.0
        self._seen = self._kept = 0
        self._most = max(MANY, rate * LOOK)
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
        if self._rate and (now - self._since >= LOOK or self._kept >= self._most):
            self._look(now)
        self._seen += rows
        step = self._step
        if self._rate and rows > self._rate * step:
            # of one request no more than a second's worth
            step = rows / self._rate
        if step == 1.0:
            self._kept += rows
            return None
        kept = []
        place = self._next
        while place < rows:
            kept.append(int(place))
            place += step
        self._next = place - rows
        self._kept += len(kept)
        return kept

    def _look(self, now: float) -> None:
        seconds = max(SHORTEST, now - self._since)
        self._step = max(1.0, self._seen / seconds / self._rate)
        self._next = min(self._next, self._step)
        self._since, self._seen, self._kept = now, 0, 0


__all__ = ["Thinning"]
