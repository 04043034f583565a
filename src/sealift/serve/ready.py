"""Whether the server is ready: only after the model reproduced its golden vectors."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift import clock
from sealift.errors import SealiftError
from sealift.serve import golden, log, program
from sealift.serve.answering import Answering
from sealift.serve.artifact import Artifact
from sealift.serve.model import load
from sealift.serve.tensors import Packer, Row, sized

SMALL = 8 << 20
"""Bytes of models that are loaded so soon that nobody need be told of it, and that may be
loaded once more, to see whether one thread is enough for them."""

QUICK = 0.001
"""Seconds for a call with all golden vectors within which one thread is enough: to wake further
ones and to wait for them costs more than they bring, and takes cores from other requests."""


class Readiness:
    """``loading``, then ``ready`` or ``failed``; ``unloaded`` when asked; ``ending`` at the end.

    A model that failed stays so, unless it is loaded again.
    """

    def __init__(self) -> None:
        self.state = "loading"
        self.reason = "The model is being loaded."

    def set(self, state: str, reason: str = "") -> None:
        """Enter a state; a server that ends or has failed never becomes ready."""
        if self.state not in ("failed", "ending") or state == "ending":
            self.state, self.reason = state, reason

    def again(self) -> None:
        """Load once more."""
        if self.state != "ending":
            self.state, self.reason = "loading", "The model is being loaded."

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.state == "ready"


class Certified(msgspec.Struct, frozen=True):
    """A model that reproduced its golden vectors, and what a call of it costs.

    A batch of ``n`` rows takes about ``call + n * row`` seconds.
    """

    model: Answering
    packer: Packer
    call: float
    row: float


def certify(artifact: Artifact, *, threads: int, model: Answering | None = None) -> Certified | str:
    """Load the model and replay the golden vectors; the reason when it must not serve.

    A call gets ``threads`` threads, or one where that is enough. ``model`` is the one that
    ``quick`` has loaded, if it has.
    """
    began = clock.monotonic()
    model = model or (quick(artifact) if threads > 1 else None)
    threads = threads if model is None else 1
    if not artifact.golden.rows or not artifact.golden.outputs:
        log.event("no_golden_vectors", model=artifact.identity.name)
        return "There are no golden vectors to reproduce."
    try:
        model = model or _opened(artifact, threads)
        packer = Packer(artifact.contract, sized(model.inputs, artifact.contract))
        mismatch = golden.replay(model, packer, artifact.contract, artifact.golden)
    except SealiftError as error:
        log.event(
            "model_not_loaded", model=artifact.identity.name, error=error.what, remedy=error.remedy
        )
        return "The model cannot be loaded."
    except Exception as error:  # noqa: BLE001  a damaged model may fail in any way
        log.event(
            "model_failed", model=artifact.identity.name, error=f"{type(error).__name__}: {error}"
        )
        return "The model fails on its golden vectors."
    if mismatch is not None:
        return _told(artifact, mismatch)
    call, row = _cost(model, packer, artifact)
    log.event(
        "certified",
        model=artifact.identity.name,
        vectors=len(artifact.golden.rows),
        tolerance=artifact.golden.tolerance,
        threads=threads,
        computes=model.computes,
        seconds=round(clock.monotonic() - began, 4),
    )
    return Certified(model, packer, call, row)


def brief(*artifacts: Artifact) -> bool:
    """Whether it takes no time to speak of to load the models; of a program nobody knows."""
    if any(one.program for one in artifacts):
        return False
    return sum(one.size for one in artifacts) <= SMALL


def quick(artifact: Artifact) -> Answering | None:
    """The model, loaded for one thread, if that is enough for a call; None if others are wanted.

    It is for a small model that takes no time to speak of.
    """
    if not brief(artifact):
        return None
    try:
        model = _opened(artifact, 1)
        packer = Packer(artifact.contract, sized(model.inputs, artifact.contract))
        rows = golden.rows(artifact.contract, artifact.golden)
        taken = (_seconds(model, packer, rows[:size]) for size in (1, len(rows)))
        return model if all(seconds < QUICK for seconds in taken) else None
    except Exception:  # noqa: BLE001  what is wrong with the model is told by ``certify``
        return None


def _opened(artifact: Artifact, threads: int) -> Answering:
    """The model, or the program with the inputs and outputs that its contract names."""
    if not artifact.program:
        return load(artifact.folder / "model.onnx", threads=threads)
    contract = artifact.contract
    loaded = program.opened(artifact.folder, target=contract.target, threads=threads)
    return program.declared(loaded, contract)


def recertify(artifact: Artifact, outcome: Certified | str) -> Certified | str:
    """What ``certify`` found, taken over by a process that was forked off since.

    Its memory is the same, page by page; that the runtime works in it too is shown by one batch
    of all golden vectors.
    """
    if isinstance(outcome, str):
        return outcome
    mismatch = golden.replay_together(
        outcome.model, outcome.packer, artifact.contract, artifact.golden
    )
    return outcome if mismatch is None else _told(artifact, mismatch)


def _told(artifact: Artifact, mismatch: golden.Mismatch) -> str:
    log.event(
        "golden_mismatch",
        model=artifact.identity.name,
        vector=mismatch.row,
        output=mismatch.output,
        expected=mismatch.expected,
        got=mismatch.got,
        tolerance=artifact.golden.tolerance,
    )
    return f"The model does not behave as it did when it was trained: {mismatch}."


def _cost(model: Answering, packer: Packer, artifact: Artifact) -> tuple[float, float]:
    batch = golden.rows(artifact.contract, artifact.golden)

    one = _seconds(model, packer, batch[:1])
    if len(batch) == 1:
        return one, one
    return one, max(0.0, (_seconds(model, packer, batch) - one) / (len(batch) - 1))


def _seconds(model: Answering, packer: Packer, batch: Sequence[Row]) -> float:
    """What a call with these rows takes, the median of five."""
    feeds = packer.pack(batch)
    times = []
    for _ in range(5):
        began = clock.monotonic()
        model.run(feeds)
        times.append(clock.monotonic() - began)
    return sorted(times)[2]


__all__ = ["Certified", "Readiness", "brief", "certify", "quick", "recertify"]
