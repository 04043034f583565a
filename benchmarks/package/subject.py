"""What is measured: something that makes an image of a model and pushes it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Subject(Protocol):
    """A packager with a project of its own; only ``deliver`` is timed.

    Every method raises ``FailedError`` with the reason when it cannot do what it is for.
    """

    @property
    def name(self) -> str:
        """What the page calls it."""
        ...

    @property
    def version(self) -> str:
        """The version that was measured."""
        ...

    @property
    def slow(self) -> bool:
        """Whether it takes minutes, so that one sample of each measure has to do."""
        ...

    def prepare(self, reference: str) -> None:
        """Make the project, build it once so that all packages are in its own cache, push it.

        What every image of it begins with is in the registry then, too.
        """
        ...

    def forget(self) -> None:
        """Lose what was built, so that the next build takes no layer from before."""
        ...

    def set_weights(self, weights: Path) -> None:
        """Put a file of weights in place, beside the model's own."""
        ...

    def set_code(self, number: int) -> None:
        """Change a line of the code that answers requests."""
        ...

    def deliver(self, reference: str) -> None:
        """Build the image and push it."""
        ...


__all__ = ["Subject"]
