"""Simulated canary releases: requests and labelled predictions in the order they were seen."""

import numpy as np

from sealift.record.observation import RequestSeen, Scored
from sealift.record.project import GuardSettings, ReleaseSettings
from sealift.release.evidence import Evidence
from sealift.release.judge import judge
from sealift.release.plan import plan

CANDIDATE, STABLE = 3, 2
SHARES = {"7": 0.1, "8": 0.5}


def planned(*, stage_requests=100, **margins):
    """A plan with stages of 10 and 50 % and margins by guard."""
    guards = {name: GuardSettings(margin=margin) for name, margin in margins.items()}
    return plan(ReleaseSettings(guard=guards, stage_requests=stage_requests))


def fresh(wanted, *, baseline=0.0, shares=SHARES):
    """Evidence of nothing yet."""
    return Evidence(wanted, candidate=CANDIDATE, stable=STABLE, shares=shares, baseline=baseline)


def request(number, *, candidate, generation, status=200, seconds=0.01):
    """One request, 200 a second."""
    return RequestSeen(
        at=number / 200,
        generation=generation,
        version=CANDIDATE if candidate else STABLE,
        status=status,
        seconds=seconds,
    )


def scored(number, *, candidate, generation, output, value):
    """One labelled prediction."""
    return Scored(
        id=str(number),
        at=number / 200,
        labelled=number / 200 + 60,
        version=CANDIDATE if candidate else STABLE,
        generation=generation,
        output=output,
        value=value,
    )


def arms(seed, shares):
    """Which requests the candidate answers: a random split."""
    return np.random.default_rng([seed, 0]).random(len(shares)) < shares


def requests(seed, number, *, stable=0.01, candidate=0.01, first=2_000):
    """Requests of a release whose share goes from 10 to 50 % after the ``first``.

    The rates of errors may be one number or one a request.
    """
    rng = np.random.default_rng([seed, 1])
    split = np.where(np.arange(number) < first, 0.1, 0.5)
    chosen = arms(seed, split)
    failed = rng.random(number) < np.where(chosen, candidate, stable)
    for position in range(number):
        yield request(
            position,
            candidate=bool(chosen[position]),
            generation=7 if position < first else 8,
            status=503 if failed[position] else 200,
        )


def predictions(seed, number, *, noise, first=2_000):
    """Labelled predictions of a release; ``noise`` is the candidate's own error, the stable's is 6.

    The truth is heavy-tailed, as delays are; absolute errors have a mean of about 15.
    """
    rng = np.random.default_rng([seed, 2])
    chosen = arms(seed, np.where(np.arange(number) < first, 0.1, 0.5))
    known = rng.normal(0, 10, number)
    truth = known + rng.standard_t(3, number) * 10
    truth += np.where(rng.random(number) < 0.1, rng.exponential(60, number), 0)
    output = known * 0.7 + rng.normal(0, 1, number) * np.where(chosen, noise, 6.0)
    for position in range(number):
        yield scored(
            position,
            candidate=bool(chosen[position]),
            generation=7 if position < first else 8,
            output=float(output[position]),
            value=float(truth[position]),
        )


def first_verdict(wanted, evidence, stream, *, every=100, first=2_000):
    """The first decision to promote or to roll back, and after how many observations.

    Looks after each ``every`` observations; None where the stream ends before.
    """
    for number, observation in enumerate(stream, start=1):
        if isinstance(observation, RequestSeen):
            evidence.see_request(observation)
        else:
            evidence.see_scored(observation)
        if number % every == 0:
            stage = 0 if number <= first else 1
            verdict = judge(wanted, evidence, stage=stage, elapsed=number / 200)
            if verdict.decision in ("promote", "rollback"):
                return verdict.decision, number
    return None, 0
