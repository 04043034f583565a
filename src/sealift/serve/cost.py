"""What a call of the model costs: so much a call, and so much a row of it."""

from __future__ import annotations

GAIN = 0.2
"""How far one measurement moves the expectation towards itself."""

FURTHEST = 3.0
"""How many times what was expected a measurement may be; one beyond counts as this much."""

SMALLEST = 1e-9
"""Seconds below which neither part falls: nothing is free."""


class Cost:
    """The expected seconds of a call: ``call + n * row`` for ``n`` rows, learnt as it runs.

    Each measurement corrects the two parts by their share of what was expected (Kaczmarz's
    projection, in relative terms): calls of one row teach what a call costs, large ones what a row
    costs, and neither spoils what the other taught.
    """

    def __init__(self, call: float, row: float) -> None:
        self.call = max(call, SMALLEST)
        self.row = max(row, SMALLEST)

    def of(self, rows: int) -> float:
        """Expected seconds of a call.

        >>> Cost(0.002, 0.001).of(3)
        0.005
        """
        return self.call + rows * self.row

    def learn(self, rows: int, seconds: float) -> None:
        """Take a measurement into account.

        >>> cost = Cost(1.0, 1.0)
        >>> for _ in range(200):
        ...     cost.learn(1, 0.003)
        ...     cost.learn(100, 0.102)
        >>> round(cost.call, 4), round(cost.row, 4)
        (0.002, 0.001)
        """
        expected = self.of(rows)
        ratio = min(seconds / expected, FURTHEST)
        fixed = self.call / expected
        growing = 1.0 - fixed
        step = GAIN * (ratio - 1.0) / (fixed * fixed + growing * growing)
        self.call = max(SMALLEST, self.call * (1.0 + step * fixed))
        self.row = max(SMALLEST, self.row * (1.0 + step * growing))


__all__ = ["Cost"]
