"""The entry point inside an image: ``python -m sealift.container serve|learn``.

serve [MODEL]     answer requests for the model in MODEL (/model)
learn [IN] [OUT]  learn contract, profile and golden vectors from IN (/in) into OUT (/out)
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit status.

    While a server starts, the collector of garbage rests until the crew wakes it: what is loaded
    stays, and looking through it again and again while it grows takes a tenth of the start.
    """
    loaded = None
    if "serve" in arguments[:1]:
        gc.disable()
        loaded = _ahead(*arguments[1:2])
    # by name, so that the layer of the server has it too
    from sealift.serve.errand import done  # noqa: PLC0415

    return done(arguments, loaded)


def _ahead(*model: str) -> Callable[[], None] | None:
    """Begin to load libraries before all else, once it is settled how they start.

    Gives what waits for them, where any are loaded ahead.
    """
    # by name, so that the layer of the server has them too
    from pathlib import Path  # noqa: PLC0415

    from sealift.serve import ahead, outset  # noqa: PLC0415
    from sealift.serve.folder import MODEL  # noqa: PLC0415

    return ahead.begin() if outset.settle(Path(*model) if model else MODEL) else None


def _run() -> NoReturn:
    status = main(sys.argv[1:])
    from sealift import process  # noqa: PLC0415  the collector rests by now

    process.exit_now(status)


if __name__ == "__main__":
    _run()


__all__ = ["main"]
