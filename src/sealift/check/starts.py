"""The image starts, and is ready for requests in time."""

from __future__ import annotations

from collections.abc import Iterator

from sealift import clock
from sealift.check.check import Check, error, info
from sealift.check.crash import crash
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.record.report import Finding

LIVE = "/v2/health/live"
READY = "/v2/health/ready"
SILENT = (
    "It died without a word: see whether this processor has the instructions that its packages "
    "need, and whether there is enough memory."
)
FINAL = ("golden_mismatch", "model_not_loaded", "model_failed", "no_golden_vectors")
"""What Sealift's server logs when it cannot certify its model; it does not try again."""

PATIENCE = 0.02
"""Seconds between two looks at a server that is starting."""


def findings(target: Target) -> Iterator[Finding]:
    """Start it and wait until it is ready or its budget is spent."""
    begun = clock.monotonic()
    target.start()
    look_alive = begun
    while (waited := clock.monotonic() - begun) < target.budget:
        launch = target.launch
        if answered(target, launch.live) == 200 and answered(target, launch.ready) == 200:
            target.ready = True
            yield info(f"ready {clock.monotonic() - begun:.2f} s after start")
            if missed := lacking(target):
                yield info(f"on a processor without {', '.join(missed)}, which the training's had")
            return
        if clock.monotonic() > look_alive + 0.25:
            look_alive = clock.monotonic()
            if not target.running():
                yield gone(target, waited)
                return
            final = any(f'"event":"{one}"' in target.whole_log for one in FINAL)
            if final and answered(target, launch.ready) == 503:
                yield error(
                    f"The server will never be ready; {state(target)}.",
                    place=target.last_words,
                    remedy="Make the image again from what was trained; other checks say what was "
                    "changed in it.",
                )
                return
        clock.sleep(PATIENCE)
    yield error(
        f"The server was not ready within {target.budget:g} s; {state(target)}.",
        place=target.last_words,
        remedy="The log says what it waits for.",
    )


def gone(target: Target, waited: float) -> Finding:
    """What is known of a server that ended so many seconds after its start."""
    what, where, remedy = crash(target.whole_log, lacking(target))
    ended = f"The server ended {waited:.1f} s after its start, before it was ready"
    if what:
        return error(f"{ended}: {what}.", place=where or target.last_words, remedy=remedy)
    return error(
        f"{ended}.",
        place=target.last_words,
        remedy="The log says why." if target.log.strip() else SILENT,
    )


def lacking(target: Target) -> tuple[str, ...]:
    """The instructions that this processor lacks of those that the training's had, if known."""
    return target.papers.lacking if target.papers else ()


def answered(target: Target, path: str) -> int:
    """The status of the answer (0: none), which the target remembers."""
    try:
        answer = target.get(path)
    except CheckError:
        return 0
    target.starting.append(answer)
    return answer.status


def state(target: Target) -> str:
    """What it said last, in words."""
    if not target.starting:
        return f"it does not answer on port {target.port}"
    last = target.starting[-1]
    return f"{last.place} is answered with {last.status} {last.text}".rstrip()


CHECK = Check(
    name="starts",
    shows="The image starts with its own entry point and is ready within its budget of time.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "LIVE", "READY"]
