"""``python -m sealift.web --root DIR``: the control API of a project, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from sealift import process
from sealift.errors import SealiftError
from sealift.watch.profiles import Profiles
from sealift.web.app import Api, app
from sealift.web.server import serve
from sealift.web.token import token
from sealift.wiring import Wired


def main(words: Sequence[str]) -> int:
    """Serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sealift.web", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with sealift.toml")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    chosen = parser.parse_args(words)
    try:
        wired = Wired(chosen.root)
        api = Api(
            service=wired.project.name,
            ledger=wired.ledger,
            observations=wired.observations,
            profiles=Profiles(wired.ledger, wired.store).known,
        )
        secret = token(wired.folders.live / "token")
        asyncio.run(serve(app(api, secret), chosen.host, chosen.port))
    except SealiftError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))
