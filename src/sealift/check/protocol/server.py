"""The server that is graded: what is asked of it, and what it was learnt to serve."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import msgspec

from sealift import clock
from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.tensor import Tensor, flat
from sealift.errors import CheckError
from sealift.types import Json

JSON = "application/json"
BINARY = "application/octet-stream"
LENGTH = "inference-header-content-length"
MOST = 500
"""Requests that one server is sent at most, so that none is harmed by being graded."""

PATIENCE = 10.0
"""Seconds that an answer may take to come, and each piece of it; three times so much the whole."""

LARGEST = 64 << 20
"""Bytes that an answer may have."""


class Server:
    """A server at an address, asked by HTTP; a context manager.

    ``trusted`` says whose certificates are believed; those of the usual authorities if absent.
    ``model`` is the name of the model that is graded, ``request`` a body that it answers with 200.
    Both are found out by ``learn``. ``metadata`` and ``about`` are the exchanges that told of
    the model and of the server, ``inputs`` and ``outputs`` what the first says, and
    ``known_outputs`` what the request was answered with.
    """

    def __init__(
        self,
        address: str,
        *,
        most: int = MOST,
        patience: float = PATIENCE,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self.asked = 0
        self.model = ""
        self.request: dict[str, Json] = {}
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.versions: list[str] = []
        self.extensions: frozenset[str] = frozenset()
        self.metadata: Exchange
        self.about: Exchange
        self.answer: Exchange
        self._most = most
        self._patience = patience
        self._trusted = trusted
        self._client = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @property
    def introduced(self) -> str:
        """Its name and version, as it tells them."""
        said = self.about.object
        return f"{said.get('name', 'unknown')} {said.get('version', '')}".strip()

    @property
    def path(self) -> str:
        """The path of the model."""
        return f"/v2/models/{quote(self.model, safe='')}"

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Exchange:
        """Send a request. Raises ``CheckError`` when the bound of requests is reached."""
        self.asked += 1
        if self.asked > self._most:
            raise CheckError(f"More than {self._most} requests would be needed.", where=path)
        sent, url = dict(headers or {}), self.address + path
        answer = self._send(self._client, method, url, body, sent)
        if isinstance(answer, httpx.RequestError) and not isinstance(
            answer, httpx.TimeoutException
        ):
            # a server may close an idle connection just when it is asked by it: a new one is tried
            with self._connected() as fresh:
                again = self._send(fresh, method, url, body, sent)
            answer = again if isinstance(again, Exchange) else answer
        if not isinstance(answer, Exchange):
            reason = str(answer).rstrip(".") or type(answer).__name__
            return Exchange(method, url, sent, body, 0, {}, b"", reason)
        return answer

    def _connected(self) -> httpx.Client:
        trusted = True if self._trusted is None else self._trusted
        return httpx.Client(timeout=self._patience, trust_env=False, verify=trusted)

    def _send(
        self, client: httpx.Client, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> Exchange | Exception:
        until = clock.monotonic() + 3 * self._patience
        content = bytearray()
        try:
            with client.stream(method, url, content=body or None, headers=headers) as answer:
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        return httpx.ReadTimeout(f"the answer is larger than {LARGEST >> 20} MiB")
                    if clock.monotonic() > until:
                        return httpx.ReadTimeout("the answer did not end in time")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return error
        received = {name.lower(): value for name, value in answer.headers.items()}
        return Exchange(method, url, headers, body, answer.status_code, received, bytes(content))

    @property
    def alive(self) -> bool:
        """Whether it still answers, within some seconds."""
        for _ in range(4):
            if self.get("/v2/health/live").status:
                return True
            clock.sleep(0.5)
        return False

    def get(self, path: str) -> Exchange:
        """Send a GET."""
        return self.ask("GET", path)

    def infer(self, body: Mapping[str, Json] | bytes, path: str = "") -> Exchange:
        """Ask for an inference, with a body as it is or as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.ask("POST", (path or self.path) + "/infer", content, {"content-type": JSON})

    def infer_binary(
        self, body: Mapping[str, Json], blobs: bytes, length: str | None = None
    ) -> Exchange:
        """Ask with binary tensors behind the JSON; ``length`` is told instead of the true one."""
        head = msgspec.json.encode(body)
        told = str(len(head)) if length is None else length
        headers = {"content-type": BINARY, LENGTH: told}
        return self.ask("POST", f"{self.path}/infer", head + blobs, headers)

    def good(self, **members: Json) -> dict[str, Json]:
        """A body of which this server is known to make an answer, with further members."""
        return {**copy.deepcopy(self.request), **members}

    def good_inputs(self) -> list[dict[str, Json]]:
        """The inputs of such a body."""
        given = copy.deepcopy(self.request).get("inputs")
        return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []

    def with_input(self, position: int, **members: Json) -> dict[str, Json]:
        """A good body in which one input has other members."""
        inputs: list[Json] = [*self.good_inputs()]
        one = inputs[position]
        assert isinstance(one, dict)
        inputs[position] = {**one, **members}
        return self.good(inputs=inputs)

    def known(self) -> dict[str, list[Json]]:
        """The elements of each output by name, as the good body was answered."""
        return elements(self.answer)


def elements(answer: Exchange) -> dict[str, list[Json]]:
    """The elements of each JSON output of an answer, by name."""
    return {name: flat(one.get("data")) for name, one in outputs(answer).items()}


def outputs(answer: Exchange) -> dict[str, dict[str, Json]]:
    """The outputs of an answer by name, those without a name left out."""
    listed = answer.object.get("outputs")
    return {
        str(one["name"]): one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("name"), str)
    }


__all__ = ["BINARY", "JSON", "LENGTH", "MOST", "PATIENCE", "Server", "elements", "outputs"]
