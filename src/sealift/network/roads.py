"""The transport of every request: direct or by a proxy, trusted, or not at all."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable

import httpx

from sealift.errors import OfflineError
from sealift.network.faults import DeadProxyError, causes, said
from sealift.network.proxies import Proxies, is_local

_LEFT = 8
"""Transports that stay open after they were left, for what may still go on in them."""


class Roads(httpx.BaseTransport):
    """Sends each request by the way that the settings choose for its address.

    ``trusted`` makes the context of TLS; it is asked once, when a way needs it. ``offline`` refuses
    every address but this machine's own, before any connection. Safe for threads.
    """

    def __init__(
        self,
        proxies: Proxies,
        trusted: Callable[[], ssl.SSLContext],
        *,
        offline: bool,
        limits: httpx.Limits,
    ) -> None:
        self._proxies = proxies
        self._trusted = trusted
        self._offline = offline
        self._limits = limits
        self._made: dict[tuple[str, bool], httpx.HTTPTransport] = {}
        self._left: list[httpx.HTTPTransport] = []
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ``OfflineError`` where the network may not be used, and httpx's errors."""
        if self._offline and not is_local(request.url.host):
            raise OfflineError(
                "The network is switched off, and something is wanted from it.",
                where=str(request.url),
                remedy="Run this once with a network, or take network.offline and SEALIFT_OFFLINE "
                "away.",
            )
        proxy = self._proxies.of(request.url)
        transport = self._transport(proxy, request.url.scheme == "https")
        try:
            return transport.handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if proxy:
                self._leave(transport)
            if not proxy or any(isinstance(one, ssl.SSLError) for one in causes(error)):
                raise
            raise DeadProxyError(f"{proxy}: {said(error)}", request=request) from error

    def close(self) -> None:
        """Close all connections."""
        for transport in (*self._made.values(), *self._left):
            transport.close()

    def _leave(self, transport: httpx.HTTPTransport) -> None:
        """Take another transport from now on: a tunnel whose TLS failed keeps its place in this
        one's pool for ever, and requests would wait for each other in the end.
        """
        with self._lock:
            for key, one in list(self._made.items()):
                if one is transport:
                    self._left.append(self._made.pop(key))
            old, self._left = self._left[:-_LEFT], self._left[-_LEFT:]
        for one in old:
            one.close()

    def _transport(self, proxy: str, secure: bool) -> httpx.HTTPTransport:
        with self._lock:
            if (proxy, secure) not in self._made:
                self._made[proxy, secure] = self._new(proxy, secure)
            return self._made[proxy, secure]

    def _new(self, proxy: str, secure: bool) -> httpx.HTTPTransport:
        # certificates take time to load, and plain HTTP needs none
        nothing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        by_tls = proxy.startswith("https:")
        way = httpx.Proxy(proxy, ssl_context=self._trusted() if by_tls else None) if proxy else None
        verify = self._trusted() if secure else nothing
        return httpx.HTTPTransport(verify=verify, proxy=way, limits=self._limits, trust_env=False)


__all__ = ["Roads"]
