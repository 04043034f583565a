"""The entry point inside an image: ``python -m sealift.container serve|learn``.

serve [MODEL]     answer requests for the model in MODEL (/model)
learn [IN] [OUT]  learn contract, profile and golden vectors from IN (/in) into OUT (/out)
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit status.

    While a server starts, the collector of garbage rests until the crew wakes it: what is loaded
    stays, and looking through it again and again while it grows takes a tenth of the start.
    """
    if "serve" in arguments[:1]:
        gc.disable()
    # by name, so that the layer of the server has it too
    from sealift.serve.errand import done  # noqa: PLC0415

    return done(arguments)


def _run() -> NoReturn:
    status = main(sys.argv[1:])
    from sealift import process  # noqa: PLC0415  the collector rests by now

    process.exit_now(status)


if __name__ == "__main__":
    _run()


__all__ = ["main"]
