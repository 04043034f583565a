"""What goes with each request to prove who asks: a token that may be renewed, or a password.

Source: Kubernetes, "Authenticating", the section on client-go credential plugins
(client.authentication.k8s.io/v1).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Generator
from datetime import datetime

import httpx
import msgspec

from sealift import clock, process
from sealift.adapters.clusters.login import Login
from sealift.errors import ClusterError
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries, part, text

_REREAD = 60.0
_EARLY = 30.0
_PATIENCE = 120.0
"""Seconds a credential plugin gets: it may ask a person to log in."""


class Credentials(httpx.Auth):
    """Adds what proves who asks; after a refusal it is made anew, once."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._head = ""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with its header; a second one where the first was refused."""
        if head := self._current():
            request.headers["Authorization"] = head
        answer = yield request
        if answer.status_code == 401 and self._renews:
            self._until = 0.0
            request.headers["Authorization"] = self._current()
            yield request

    @property
    def _renews(self) -> bool:
        return self._login.token_file is not None or self._login.plugin is not None

    def _current(self) -> str:
        login = self._login
        if login.token_file is None and login.plugin is None:
            return _fixed(login)
        if clock.now() >= self._until:
            token = self._from_file() if login.token_file else self._from_plugin()
            self._head = f"Bearer {token}"
        return self._head

    def _from_file(self) -> str:
        path = self._login.token_file
        assert path is not None
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ClusterError("The token's file cannot be read.", where=str(path)) from error
        self._until = clock.now() + _REREAD
        return token

    def _from_plugin(self) -> str:
        said = plugged(self._login)
        self._until = _expiry(text(said, "expirationTimestamp")) - _EARLY
        return text(said, "token")


def _fixed(login: Login) -> str:
    if login.token:
        return f"Bearer {login.token}"
    if login.user:
        pair = f"{login.user}:{login.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return ""


def plugged(login: Login) -> Object:
    """What the credential plugin of a login answers: the status of its ExecCredential.

    Raises ``ClusterError`` where it fails or says no such thing.
    """
    plugin = login.plugin or {}
    command = text(plugin, "command")
    api = text(plugin, "apiVersion") or "client.authentication.k8s.io/v1"
    asked = {"apiVersion": api, "kind": "ExecCredential", "spec": {"interactive": False}}
    extra = {text(one, "name"): text(one, "value") for one in entries(plugin, "env")}
    args = part(plugin, "args")
    words = [str(one) for one in args] if isinstance(args, list) else []
    ended = process.run(
        # a path with a slash is relative to the kubeconfig; a bare name is looked up
        [str(login.folder / command) if "/" in command else command, *words],
        env={**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
        timeout=_PATIENCE,
    )
    where = f"exec plugin of the context {login.context}"
    if ended.status != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise ClusterError(
            f"{command!r}, which logs in to the cluster, ended with status {ended.status}: "
            f"{said[-1] if said else 'it says no more'}",
            where=where,
            remedy=text(plugin, "installHint") or "Log in with the cluster's own tool.",
        )
    try:
        found = msgspec.json.decode(ended.stdout, type=dict[str, object])
    except msgspec.DecodeError:
        found = {}
    status = found.get("status")
    if not isinstance(status, dict):
        raise ClusterError(f"{command!r} answered no credentials.", where=where)
    return status


def _expiry(stamp: str) -> float:
    """When a token ends, in seconds since 1970; never for none."""
    if not stamp:
        return float("inf")
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


__all__ = ["Credentials", "plugged"]
