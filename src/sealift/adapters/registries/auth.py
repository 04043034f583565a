"""Who asks: access tokens for scopes, and passwords, for one registry.

Sources: RFC 6750 and 7617; the token protocol of registries (github.com/distribution/distribution,
docs "Token Authentication Specification" and "OAuth2 Token Authentication").
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import msgspec

from sealift import clock
from sealift.adapters.registries import faults
from sealift.adapters.registries.credentials import Credential, Found
from sealift.adapters.registries.retry import BUSY, TransientError, retry_after
from sealift.errors import NotFoundError, RegistryError

_CLIENT = "sealift"
_LIFETIME = 60.0
"""Seconds that a token lives when nothing is said: the token protocol's default."""
_MARGIN = 0.1
"""The last share of its life in which a token is not used any more."""
_PART = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(
    r"(?:^|,)\s*(Bearer|Basic|[A-Za-z][A-Za-z0-9-]*)(?:\s+(?=[A-Za-z0-9_-]+\s*=)|\s*(?=,|$))"
)


@dataclass(frozen=True)
class Challenge:
    """What a 401 asks for: a scheme in lower case, and its parameters."""

    scheme: str
    parts: dict[str, str]


def challenges(headers: list[str]) -> list[Challenge]:
    """The challenges of ``WWW-Authenticate`` headers (RFC 9110, 11.6.1).

    >>> challenges(['Bearer realm="https://a/t",scope="x:y:pull,push"'])[0].parts["scope"]
    'x:y:pull,push'
    """
    found = []
    for header in headers:
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda hit: '"' + "x" * (len(hit[0]) - 2) + '"', header)
        starts = list(_SCHEME.finditer(bare))
        ends = [*(one.start() for one in starts[1:]), len(header)]
        for start, end in zip(starts, ends, strict=False):
            parts = {
                part[1].lower(): re.sub(r"\\(.)", r"\1", part[2] or part[3] or "")
                for part in _PART.finditer(header[start.end() : end])
            }
            found.append(Challenge(start[1].lower(), parts))
    return found


class _Answer(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class Authority:
    """Gives the ``Authorization`` header for one repository of a registry; safe for threads.

    ``client`` has the connections. ``find`` looks the credentials up, once and
    only when the registry asks. ``scopes`` are what tokens are asked for, beside what the registry
    demands; those after the first are given up where asking for them gets no token.
    """

    def __init__(
        self,
        client: httpx.Client,
        find: Callable[[], Found],
        scopes: tuple[str, ...],
        *,
        plain: bool,
    ) -> None:
        self._client = client
        self._find = find
        self._scopes = scopes
        self._plain = plain
        self._lock = threading.Lock()
        self._header = ""
        self._expires = float("inf")
        self._bearer: Challenge | None = None
        self.found: Found | None = None

    def header(self) -> str:
        """The header for the next request; empty as long as the registry asks for none."""
        with self._lock:
            if self._bearer and clock.monotonic() >= self._expires:
                self._buy(self._bearer)
            return self._header

    def answer(self, headers: list[str], rejected: str) -> bool:
        """React to a 401 on a request that had ``rejected``; whether trying again makes sense."""
        with self._lock:
            if self._header != rejected:
                return True
            offered = {one.scheme: one for one in challenges(headers)}
            credential = self._credential()
            if bearer := offered.get("bearer"):
                self._bearer = bearer
                self._buy(bearer)
            elif "basic" in offered and credential:
                self._header = credential.basic
            return self._header not in ("", rejected)

    def _credential(self) -> Credential | None:
        if self.found is None:
            self.found = self._find()
        return self.found.credential

    def _buy(self, challenge: Challenge) -> None:
        credential = self._credential()
        if credential and credential.access:
            self._header = f"Bearer {credential.access}"
            return
        asked = clock.monotonic()
        try:
            answer = self._ask(challenge, credential)
        except (RegistryError, NotFoundError):
            if len(self._scopes) < 2:
                raise
            # some servers refuse all when one of the other repositories is gone or not ours
            self._scopes = self._scopes[:1]
            answer = self._ask(challenge, credential)
        try:
            bought = msgspec.json.decode(answer.content, type=_Answer)
        except msgspec.MsgspecError as error:
            raise RegistryError(
                "The answer of the token server is not understood.",
                where=faults.place(answer.request),
            ) from error
        token = bought.token or bought.access_token
        if not token:
            raise RegistryError(
                "The token server gave no token.", where=faults.place(answer.request)
            )
        life = bought.expires_in or _LIFETIME
        self._expires = asked + life * (1.0 - _MARGIN)
        self._header = f"Bearer {token}"

    def _ask(self, challenge: Challenge, credential: Credential | None) -> httpx.Response:
        realm = challenge.parts.get("realm", "")
        self._demand_safety(realm, credential)
        scope = " ".join(self._wanted(challenge.parts.get("scope", "")))
        fields = {"service": challenge.parts.get("service", ""), "scope": scope}
        fields = {name: text for name, text in fields.items() if text}
        client = self._client
        if credential and credential.identity:
            grant = {"grant_type": "refresh_token", "refresh_token": credential.identity}
            request = client.build_request(
                "POST", realm, data={**fields, **grant, "client_id": _CLIENT}
            )
        else:
            basic = credential.basic if credential else ""
            headers = {"Authorization": basic} if basic else {}
            url = httpx.URL(realm).copy_merge_params(_repeated(fields))
            request = client.build_request("GET", url, headers=headers)
        answer = client.send(request)
        if answer.status_code in BUSY:
            after = retry_after(answer.headers.get("retry-after"), clock.now())
            raise TransientError(f"the token server answered {answer.status_code}", after)
        if answer.status_code != httpx.codes.OK:
            raise faults.refusal(answer, "an access token", self.found)
        return answer

    def _wanted(self, demanded: str) -> list[str]:
        """Our scopes, and what the registry demands beyond them."""
        more = [one for one in demanded.split() if not self._covers(one)]
        return list(dict.fromkeys([*self._scopes, *more]))

    def _covers(self, scope: str) -> bool:
        name, _, actions = scope.rpartition(":")
        ours = (one.rpartition(":") for one in self._scopes)
        return any(
            name == mine and set(actions.split(",")) <= set(granted.split(","))
            for mine, _, granted in ours
        )

    def _demand_safety(self, realm: str, credential: Credential | None) -> None:
        """Credentials go over TLS, except to registries that speak plain HTTP themselves."""
        url = httpx.URL(realm) if realm else None
        if url is None or url.scheme not in ("http", "https"):
            raise RegistryError("The registry names no server that gives tokens.", where=realm)
        if url.scheme == "http" and credential and not self._plain:
            raise RegistryError(
                "The registry asks that credentials be sent without encryption.",
                where=realm,
                remedy="Tell its owner, or name it in network.insecure in sealift.toml.",
            )


def _repeated(fields: dict[str, str]) -> list[tuple[str, str | int | float | bool | None]]:
    """The fields for a query, where each scope stands for itself."""
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, text in fields.items():
        pairs += [(name, one) for one in text.split()] if name == "scope" else [(name, text)]
    return pairs


__all__ = ["Authority", "Challenge", "challenges"]
