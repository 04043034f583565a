"""Downloads: checked against their digests, kept once for all projects, repeated on bad luck."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from sealift import clock, digest
from sealift.errors import MachineError, SourceError
from sealift.network.faults import LOGIN, PROXY, said, trouble
from sealift.network.network import Network
from sealift.types import Digest

_ATTEMPTS = 4
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_CHUNK = 1 << 20
_OTHER = "Check the network, or name another mirror."


class MissingError(SourceError):
    """The source answers, and does not have this file."""


class Fetcher:
    """Reads ``http``, ``https`` and ``file`` addresses; files go to ``cache``, by SHA-256.

    ``pause`` is the wait before the second attempt, in seconds; it doubles with each further one.
    """

    def __init__(self, cache: Path, network: Network, *, pause: float = 0.5) -> None:
        self._cache = cache
        self._pause = pause
        self._client = network.client()
        self._client.follow_redirects = True
        self._met = False

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def text(self, url: str) -> bytes:
        """A small file whose digest is not known beforehand."""
        return b"".join(self._attempts(url))

    def held(self, sha256: str) -> Path | None:
        """A file of the cache, if it is there and sound; a damaged one is removed."""
        path = self._cache / sha256[:2] / sha256
        try:
            if digest.of_file(path) == f"sha256:{sha256}":
                return path
            path.unlink()
        except FileNotFoundError:
            return None
        return None

    def file(self, url: str, sha256: str) -> Path:
        """A file with this digest, from the cache or from the address.

        Raises ``SourceError`` when it cannot be had or is not the right one.
        """
        if found := self.held(sha256):
            return found
        return self._kept(url, sha256)

    def first(self, url: str) -> Path:
        """A file whose digest nobody told beforehand: as the address has it now."""
        return self._kept(url, "")

    def _kept(self, url: str, sha256: str) -> Path:
        part = self._cache / f"{clock.token(12)}.part"
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            found = self._save(url, part).removeprefix("sha256:")
            if sha256 and found != sha256:
                raise SourceError(
                    f"A downloaded file has the digest sha256:{found}, not sha256:{sha256}.",
                    where=url,
                    remedy="The mirror may be half updated; try again later, or use another.",
                )
            path = self._cache / found[:2] / found
            path.parent.mkdir(exist_ok=True)
            part.replace(path)
        except OSError as error:
            raise MachineError(
                f"A download cannot be kept: {error.strerror or error}.",
                where=str(self._cache),
                remedy="Free some space, or set SEALIFT_CACHE to a folder that can be written.",
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return path

    def _save(self, url: str, path: Path) -> Digest:
        whole = hashlib.sha256()
        with path.open("xb") as file:
            for piece in self._attempts(url):
                whole.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return Digest("sha256:" + whole.hexdigest())

    def _attempts(self, url: str) -> list[bytes]:
        """The content in pieces; transient faults are repeated with growing pauses."""
        if url.startswith("file:"):
            return [_local(url)]
        attempt = 1
        while True:
            try:
                return list(self._get(url))
            except (httpx.TransportError, _BusyError) as error:
                self._judge(error, url, attempt)
                clock.sleep(self._pause * 2 ** (attempt - 1))
                attempt += 1
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SourceError(f"{said(error)}.", where=url) from error

    def _judge(self, error: httpx.TransportError | _BusyError, url: str, attempt: int) -> None:
        """Raise where no further attempt would help.

        Who mistyped an address, or is offline, is told so at once.
        """
        where = url
        found = trouble(error, "the source") if isinstance(error, httpx.TransportError) else None
        if found and (found.lasting or not self._met or attempt == _ATTEMPTS):
            raise SourceError(found.what, where=where, remedy=found.remedy or _OTHER) from error
        if attempt == _ATTEMPTS:
            what = f"The source did not answer in {_ATTEMPTS} attempts: {said(error)}."
            raise SourceError(what, where=where, remedy=_OTHER) from error

    def _get(self, url: str) -> Iterator[bytes]:
        with self._client.stream("GET", url) as answer:
            self._met = True
            if answer.status_code in _BUSY:
                raise _BusyError(f"status {answer.status_code}")
            if answer.status_code in (403, 404, 410):
                raise MissingError("The source does not have this file.", where=url)
            if answer.status_code != httpx.codes.OK:
                raise _refusal(answer.status_code, url)
            yield from answer.iter_raw(_CHUNK)


class _BusyError(Exception):
    """An answer that says: later."""


def _refusal(status: int, url: str) -> SourceError:
    if status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        what, remedy = "The proxy wants to know who asks", f"{LOGIN} {PROXY}"
    elif status == httpx.codes.UNAUTHORIZED:
        what, remedy = "The source wants to know who asks", LOGIN
    else:
        what, remedy = f"The source answered {status}", ""
    return SourceError(f"{what}.", where=url, remedy=remedy)


def _local(url: str) -> bytes:
    path = Path(unquote(urlsplit(url).path))
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    raise MissingError("The source does not have this file.", where=url)


__all__ = ["Fetcher", "MissingError"]
