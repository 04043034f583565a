"""Whether the traffic is split as configured: the sample ratio, watched at every moment.

Each request is an event that falls on the candidate with the share ``w`` in force, if the router
keeps to it. The capital bets on odds that are ``r`` times those of ``w``: with
q = wr/(wr+1-w) it is multiplied by q/w for an answer of the candidate and by (1-q)/(1-w) for one of
the stable version, and averaged over several r on both sides of 1. A split that is right lets it
reach 1000 with probability at most 1/1000 (Ville), however often one looks; an exact rotation is
more even than chance and lets it reach less. Method: Lindon and Malek, "Anytime-valid inference
for multinomial count data", NeurIPS 2022, arXiv 2011.03567 (with a finite mixture in place of
the Dirichlet prior, so that shares may change on the way).

>>> counts = Counts()
>>> counts.candidate, counts.stable = 220, 780
>>> log_e_split({0.1: counts}) > math.log(ALARM)
True
>>> counts.candidate, counts.stable = 104, 896
>>> log_e_split({0.1: counts}) > math.log(ALARM)
False
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sealift.stats.rates import Counts, log_mean_exp

ALARM = 1_000.0
"""Evidence at which the split is said to be wrong."""

ODDS_RATIOS = (0.1, 0.25, 0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0)
"""How far off the odds of the split may be: the bets."""


def log_e_split(by_share: Mapping[float, Counts]) -> float:
    """Log capital against "each request went to the candidate with the configured share"."""
    rows = [(share, row) for share, row in by_share.items() if 0.0 < share < 1.0]
    logs = []
    for ratio in ODDS_RATIOS:
        total = 0.0
        for share, row in rows:
            scale = math.log(share * ratio + 1.0 - share)
            total += row.candidate * (math.log(ratio) - scale) - row.stable * scale
        logs.append(total)
    return log_mean_exp(logs, [1 / len(ODDS_RATIOS)] * len(ODDS_RATIOS))


def measured_shares(by_share: Mapping[float, Counts]) -> dict[float, float]:
    """The candidate's fraction of the answers, by configured share."""
    return {
        share: row.candidate / max(1, row.candidate + row.stable) for share, row in by_share.items()
    }


__all__ = ["ALARM", "log_e_split", "measured_shares"]
