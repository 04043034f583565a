"""What a container of the server is told to do: serve a model, or learn about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sealift.errors import SealiftError, UsageError
from sealift.serve import log
from sealift.serve.folder import MODEL


def done(arguments: Sequence[str], loaded: Callable[[], None] | None = None) -> int:
    """Do what the arguments say; the exit status.

    ``loaded`` waits for libraries that are being loaded ahead.
    """
    try:
        _do(arguments, loaded)
    except SealiftError as error:
        log.event(
            "failed",
            kind=type(error).__name__,
            error=error.what,
            where=error.where,
            remedy=error.remedy,
        )
        return error.exit_code
    return 0


def _do(arguments: Sequence[str], loaded: Callable[[], None] | None) -> None:
    match arguments:
        case ["serve"]:
            _serve(MODEL, loaded)
        case ["serve", model]:
            _serve(Path(model), loaded)
        case ["learn"]:
            _learn(Path("/in"), Path("/out"))
        case ["learn", source, target]:
            _learn(Path(source), Path(target))
        case _:
            raise UsageError(
                "The first argument must be 'serve' or 'learn'.",
                remedy="Use: python -m sealift.container serve|learn",
            )


def _serve(model: Path, loaded: Callable[[], None] | None) -> None:
    # by name, so that the layer of the server has them too
    from sealift.serve.server import serve, settings  # noqa: PLC0415

    if loaded is not None:
        # a library that is half loaded must not be forked
        loaded()
    serve(settings(os.environ, model))


def _learn(source: Path, target: Path) -> None:
    """Learn, with modules that a server would have to load for nothing."""
    # by name, so that the layer of the server has them too
    from sealift.serve.learn import learn  # noqa: PLC0415

    learn(source, target)


__all__ = ["done"]
