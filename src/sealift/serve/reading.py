"""The prediction log, handed out piece by piece to whoever knows the word.

It holds what people asked for. So there is no such path for anybody else, and none where no word
was given.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from sealift.serve.answer import Answer, told
from sealift.serve.call import Call
from sealift.serve.refusal import RefusalError

HEADER = "x-sealift-reader"
PIECE = 4 << 20
"""Bytes of an answer, at most."""
WORD = 16
"""Characters that the word has at least."""

_NAME = re.compile(r"[A-Za-z0-9_-]+\.jsonl")


class Reader:
    """The files of a folder, for who names the ``word`` in the header ``X-Sealift-Reader``."""

    def __init__(self, folder: Path, word: str) -> None:
        # it brings OpenSSL's digests, which servers without such a path have no use for
        from hmac import compare_digest  # noqa: PLC0415

        self._same = compare_digest
        self._folder = folder
        self._word = word.encode()

    async def files(self, call: Call) -> Answer:
        """``GET /records``: each file with its bytes."""
        self._allow(call)
        return told(await asyncio.to_thread(self._sizes))

    async def piece(self, call: Call) -> Answer:
        """``GET /records/NAME/OFFSET``: what a file holds from a byte on, or the first part."""
        self._allow(call)
        _, _, name, offset = call.path.split("/")
        if not _NAME.fullmatch(name) or not offset.isascii() or not offset.isdigit():
            raise _nothing()
        data = await asyncio.to_thread(self._read, self._folder / name, int(offset))
        return Answer(200, data, kind="application/octet-stream")

    def _allow(self, call: Call) -> None:
        given = (call.headers.get(HEADER) or "").encode()
        if not self._same(given, self._word):
            raise _nothing()

    def _sizes(self) -> dict[str, int]:
        found = {}
        for path in sorted(self._folder.glob("*.jsonl")):
            try:
                found[path.name] = path.stat().st_size
            except FileNotFoundError:  # it made room for newer ones
                continue
        return found

    def _read(self, path: Path, offset: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(PIECE)
        except (FileNotFoundError, OverflowError):
            raise _nothing() from None


def reader(folder: Path | None, word: str) -> Reader | None:
    """What hands the log out; None where there is none, or no word that is hard to guess."""
    return Reader(folder, word) if folder is not None and len(word) >= WORD else None


def _nothing() -> RefusalError:
    return RefusalError("There is nothing here.", code="unknown_path", status=404)


__all__ = ["HEADER", "PIECE", "Reader", "reader"]
