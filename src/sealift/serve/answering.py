"""What answers rows: an ONNX model, or a program of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sealift.serve.tensors import Array, TensorInfo


class Answering(Protocol):
    """A loaded model; ``run`` may be called from several threads.

    ``computes`` says what computes it, ``platform`` what it is in the words of the Open Inference
    Protocol. ``waits`` is true of one that may wait for something, so that it is never called
    where others would wait for it; ``exact`` of one whose threads are ours to set, so that it may
    be tried with others.
    """

    computes: str
    platform: str
    waits: bool
    exact: bool

    @property
    def inputs(self) -> Sequence[TensorInfo]:
        """The tensors that it takes."""

    @property
    def outputs(self) -> Sequence[TensorInfo]:
        """The tensors that it gives."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its outputs."""

    def run(self, feeds: dict[str, Array], options: Any = None, /) -> dict[str, Array]:
        """The outputs by name; ``options`` come from ``stoppable``."""
        ...

    def bound(
        self, feeds: dict[str, Array], outputs: dict[str, Array], /
    ) -> Callable[[], object] | None:
        """A call that reads its inputs from these arrays and writes all outputs into those.

        It may be made again and again, with what the arrays hold then, by one thread. None for a
        model that is to be ``run``.
        """
        ...

    def stoppable(self) -> Any:
        """Options of one call, whose ``terminate`` says that nobody wants its answer any more."""
        ...


__all__ = ["Answering"]
