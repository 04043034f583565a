"""Steady traffic, with every request accounted for."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from urllib.parse import urlsplit

from sealift import clock

_OK = 200
BODY = b'{"rows":[{}]}'
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Load:
    """Clients that ask for predictions one after another, while the ``with`` block runs.

    ``answered`` counts answers by version (as the server reports it), ``failed`` lists every
    request that got no answer, or another one than 200.
    """

    def __init__(
        self,
        url: str,
        *,
        clients: int = 4,
        pause: float = 0.002,
        body: bytes = BODY,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        self._body = body
        self._headers = headers
        self.answered: dict[int, int] = {}
        self.failed: list[str] = []
        self._url = urlsplit(url)
        self._pause = pause
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(clients)]

    @property
    def sent(self) -> int:
        """Requests that have ended, one way or the other."""
        with self._lock:
            return sum(self.answered.values()) + len(self.failed)

    def __enter__(self) -> Load:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        connection = self._connect()
        while not self._over.is_set():
            outcome = ask(connection, self._body, self._headers)
            with self._lock:
                if isinstance(outcome, int):
                    self.answered[outcome] = self.answered.get(outcome, 0) + 1
                else:
                    self.failed.append(outcome)
            if isinstance(outcome, str):
                connection.close()
            clock.sleep(self._pause)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        return http.client.HTTPConnection(host, port, timeout=30.0)


def ask(
    connection: http.client.HTTPConnection,
    content: bytes = BODY,
    headers: Mapping[str, str] = NO_HEADERS,
) -> int | str:
    """Send one request; the version that answered, or what went wrong."""
    try:
        connection.request("POST", "/predict", content, dict(headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return repr(error)
    if answer.status != _OK:
        return f"{answer.status}: {body[:80]!r}"
    return int(json.loads(body)["version"])


__all__ = ["Load", "ask"]
