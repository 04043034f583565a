"""Requests to one repository of a registry: who asks, where it moved to, what went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

import httpx

from sealift import clock
from sealift.adapters.registries import faults
from sealift.adapters.registries.auth import Authority
from sealift.adapters.registries.credentials import Found, find
from sealift.adapters.registries.notices import Notices
from sealift.adapters.registries.reference import Reference, is_loopback
from sealift.adapters.registries.retry import (
    BUSY,
    Retry,
    TransientError,
    repeated,
    retry_after,
)
from sealift.errors import OfflineError, RegistryError
from sealift.network.network import Network

_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_MOVES = 5
_MOST_TOKENS = 4
"""How often one request is made again with another token: one may be taken back on its way."""
# some registries store a whole blob before they answer
_PATIENCE = 60.0

Body = Callable[[], Iterable[bytes]]
"""Makes the content of a request anew for every attempt."""


@dataclass(frozen=True)
class Access:
    """How registries are talked to, by the ways of ``network``.

    ``chunk`` is the most bytes that a request of an upload carries; 0 sends a blob in one request,
    which every registry takes. ``sources`` are repositories of the same registry that have blobs of
    a push already, ``guesses`` such that may have: they are asked for large blobs alone.
    ``credentials`` looks up who we are.
    """

    network: Network = field(default_factory=Network)
    retry: Retry = field(default_factory=Retry)
    chunk: int = 0
    sources: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    credentials: Callable[[str, str], Found] = find


def stoppable(access: Access | None, stopped: Callable[[], bool]) -> Access:
    """The same access (or the usual one), whose pauses end once ``stopped`` says so."""
    known = access or Access()
    return replace(known, retry=replace(known.retry, stopped=stopped))


class Session:
    """Connections to the registry of ``reference``; safe for threads. Close it after use.

    ``actions`` is ``pull`` or ``pull,push``; ``notices`` are the registry's to people.
    """

    def __init__(self, reference: Reference, actions: str, access: Access) -> None:
        self.retry = access.retry
        local = is_loopback(reference.server)
        self._plain = local or access.network.speaks_plain(reference.server)
        scheme = "http" if self._plain else "https"
        self._base = f"{scheme}://{reference.server}/v2/{reference.repository}/"
        self._origin = _origin(httpx.URL(self._base))
        if not access.network.reaches(self._base):
            raise OfflineError(
                "The network is switched off, and a registry is to be asked.",
                where=self._base,
                remedy="Do this with a network, or take network.offline and SEALIFT_OFFLINE away; "
                "what is packaged here stays.",
            )
        self._met = False
        self.notices = Notices()
        self._client = access.network.client(patience=_PATIENCE)
        scopes = [f"repository:{reference.repository}:{actions}"]
        scopes += [f"repository:{name}:pull" for name in (*access.sources, *access.guesses)]
        self._authority = Authority(
            self._client,
            lambda: access.credentials(reference.host, reference.repository),
            tuple(scopes),
            plain=self._plain,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def url(self, path: str, base: httpx.URL | None = None) -> str:
        """An address below the repository, or a ``Location`` relative to ``base``."""
        return urljoin(str(base or self._base), path)

    def request(
        self,
        method: str,
        path: str,
        expect: Iterable[int],
        what: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> httpx.Response:
        """A small request, repeated while the registry is busy; its whole answer.

        Raises for every status but those in ``expect``; ``what`` names the thing in errors.
        """
        body = (lambda: [content]) if content else None
        length = {"Content-Length": str(len(content))} if content else {}
        return repeated(
            self.retry,
            f"{method} {self.url(path).partition('?')[0]}",
            lambda: self.once(
                method, path, expect, what, headers={**(headers or {}), **length}, body=body
            ),
        )

    def once(
        self,
        method: str,
        path: str,
        expect: Iterable[int],
        what: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> httpx.Response:
        """One attempt; raises one of ``retry.TRANSIENT`` where another one may help."""
        with self.stream(method, path, expect, what, headers=headers, body=body) as answer:
            answer.read()
            return answer

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        expect: Iterable[int],
        what: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Iterator[httpx.Response]:
        """One attempt whose answer is not read yet."""
        try:
            answer = self._admitted(method, self.url(path), dict(headers or {}), body)
            with contextlib.closing(answer):
                self._met = True
                self.notices.heard(answer.headers.get_list("warning"))
                if answer.status_code not in expect:
                    answer.read()
                    self._raise(answer, what)
                yield answer
        except httpx.TransportError as error:
            self._judge(error)
            raise
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise RegistryError(
                f"The registry's answer is not understood: {error}.", where=self._base
            ) from error

    def _raise(self, answer: httpx.Response, what: str) -> None:
        if answer.status_code in BUSY:
            after = retry_after(answer.headers.get("retry-after"), clock.now())
            said = faults.words(answer)
            raise TransientError(f"it answered {answer.status_code}{said}", after)
        raise faults.refusal(answer, what, self._authority.found)

    def _judge(self, error: httpx.TransportError) -> None:
        """Raise where no further attempt would help."""
        if lasting := faults.unreachable(error, self._base):
            raise lasting from error
        if not self._met and (nobody := faults.unmet(error, self._base, plain=self._plain)):
            raise nobody from error

    def _admitted(
        self, method: str, url: str, headers: dict[str, str], body: Body | None
    ) -> httpx.Response:
        """The answer once the registry knows who asks."""
        for _ in range(_MOST_TOKENS):
            shown = self._authority.header()
            answer = self._followed(method, url, {**headers, "Authorization": shown}, body)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return answer
            answer.read()
            if not self._is_ours(answer.request.url):
                return answer
            if not self._authority.answer(answer.headers.get_list("www-authenticate"), shown):
                return answer
        return self._followed(
            method, url, {**headers, "Authorization": self._authority.header()}, body
        )

    def _followed(
        self, method: str, url: str, headers: dict[str, str], body: Body | None
    ) -> httpx.Response:
        """The answer at the end of redirects; only the registry itself learns who asks."""
        for _ in range(_MOST_MOVES + 1):
            target = httpx.URL(url)
            self._demand_safety(target)
            answer = self._send(method, target, headers, body)
            moved = answer.status_code in _MOVED and "location" in answer.headers
            if not moved or (method == "POST" and answer.status_code not in (307, 308)):
                return answer
            answer.close()
            url = urljoin(str(target), answer.headers["location"])
            if answer.status_code == httpx.codes.SEE_OTHER and method != "HEAD":
                method, body = "GET", None
        raise RegistryError("The registry sends round in a circle.", where=self._base)

    def _send(
        self, method: str, target: httpx.URL, headers: dict[str, str], body: Body | None
    ) -> httpx.Response:
        shown = {name: text for name, text in headers.items() if text}
        if not self._is_ours(target):
            shown.pop("Authorization", None)
        if body is None and method in ("POST", "PUT", "PATCH"):
            shown["Content-Length"] = "0"
        content = iter(body()) if body else None
        request = self._client.build_request(method, target, headers=shown, content=content)
        if body and "Content-Length" in shown:
            request.headers.pop("Transfer-Encoding", None)
        return self._client.send(request, stream=True)

    def _is_ours(self, url: httpx.URL) -> bool:
        return _origin(url) == self._origin

    def _demand_safety(self, url: httpx.URL) -> None:
        """From TLS no way leads back to plain HTTP."""
        if url.scheme != "https" and not self._plain:
            raise RegistryError(
                "The registry sends on to an address without encryption.",
                where=f"{url.scheme}://{url.netloc.decode()}",
                remedy="Tell its owner, or name it in network.insecure in sealift.toml.",
            )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


__all__ = ["Access", "Body", "Session", "stoppable"]
