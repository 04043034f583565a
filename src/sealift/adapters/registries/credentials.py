"""Where registry credentials lie: the files of docker and podman, and docker's helper programs.

Files: ``man docker-login``, containers-auth.json(5). Helpers: github.com/docker/
docker-credential-helpers, README ("Development"). Nothing is ever written.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sealift import process
from sealift.adapters.registries.reference import HUB
from sealift.errors import RegistryError

_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 - the word of the protocol for "this is an identity token"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60.0


@dataclass(frozen=True)
class Credential:
    """A user and password, or an identity token that buys access tokens, or an access token."""

    source: str
    user: str = ""
    password: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)
    access: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header (RFC 7617); empty without a password."""
        if not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Found:
    """What is known for a registry, and every place that was looked into."""

    credential: Credential | None
    looked: tuple[str, ...]


class _Entry(msgspec.Struct, frozen=True, rename="lower"):
    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")
    registry_token: str = msgspec.field(default="", name="registrytoken")


class _File(msgspec.Struct, frozen=True, rename="camel"):
    auths: dict[str, _Entry] = msgspec.field(default_factory=dict)
    cred_helpers: dict[str, str] = msgspec.field(default_factory=dict)
    creds_store: str = ""


class _Said(msgspec.Struct, frozen=True, rename="pascal"):
    username: str = ""
    secret: str = ""


def find(host: str, repository: str, env: Mapping[str, str] = os.environ) -> Found:
    """The first credential for a repository, in the order in which docker and podman look.

    Raises ``RegistryError`` when a file cannot be read, or a helper is missing or fails.
    """
    looked = []
    for path in files(env):
        looked.append(str(path))
        content = _read(path)
        if content is None:
            continue
        helper = content.cred_helpers.get(host) or content.creds_store
        if helper:
            looked.append(f"docker-credential-{helper}")
        credential = _ask(helper, host, env) if helper else None
        credential = credential or _listed(content, host, repository, str(path))
        if credential:
            return Found(credential, tuple(looked))
    return Found(None, tuple(looked))


def files(env: Mapping[str, str]) -> Iterator[Path]:
    """The files in order; ``REGISTRY_AUTH_FILE`` stands alone, ``DOCKER_CONFIG`` comes first."""
    if chosen := env.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
        return
    home = Path(env.get("HOME") or Path.home())
    if chosen := env.get("DOCKER_CONFIG"):
        yield Path(chosen) / "config.json"
    runtime = env.get("XDG_RUNTIME_DIR")
    yield (Path(runtime) if runtime else Path(f"/run/containers/{os.getuid()}")) / (
        "containers/auth.json" if runtime else "auth.json"
    )
    yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"
    if not env.get("DOCKER_CONFIG"):
        yield home / ".docker" / "config.json"


def _read(path: Path) -> _File | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise RegistryError(
            f"A file of registry credentials cannot be read: {error}.",
            where=str(path),
            remedy="Mend it, or log in again with docker, podman or skopeo.",
        ) from error


def _keys(host: str, repository: str) -> Iterator[str]:
    """The keys that may hold a repository's credential, the narrowest first."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join([host, *parts[:count]])
    yield host
    if host == HUB:
        yield from ("index.docker.io/v1", "index.docker.io", "registry-1.docker.io")


def _listed(content: _File, host: str, repository: str, source: str) -> Credential | None:
    entries = {
        re.sub(r"^https?://", "", key).rstrip("/"): one for key, one in content.auths.items()
    }
    for key in _keys(host, repository):
        entry = entries.get(key) or entries.get(f"{key}/v1") or entries.get(f"{key}/v2")
        if entry and entry != _Entry():
            return _credential(entry, source)
    return None


def _credential(entry: _Entry, source: str) -> Credential:
    user, password = entry.username, entry.password
    if entry.auth:
        try:
            text = base64.b64decode(entry.auth, validate=True).decode().rstrip("\0")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RegistryError(
                "An 'auth' value in a file of registry credentials is not base64.",
                where=source,
                remedy="Log in again with docker, podman or skopeo.",
            ) from error
        user, _, password = text.partition(":")
    return Credential(source, user, password, entry.identity_token, entry.registry_token)


def _ask(helper: str, host: str, env: Mapping[str, str]) -> Credential | None:
    """What a helper program knows: the server's name goes in, JSON comes out."""
    name = f"docker-credential-{helper}"
    if not _HELPER.fullmatch(helper):
        raise RegistryError(f"{helper!r} cannot be the name of a credential helper.")
    server = _HUB_KEY if host == HUB else host
    done = process.run([name, "get"], stdin=server.encode(), timeout=_HELPER_SECONDS, env=dict(env))
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.status:
        if "credentials not found" in said.lower():
            return None
        raise RegistryError(
            f"The credential helper failed: {said[:300] or f'status {done.status}'}.",
            where=f"{name} get ({server})",
            remedy="Run that program by hand, or log in again.",
        )
    try:
        answer = msgspec.json.decode(done.stdout, type=_Said)
    except msgspec.MsgspecError as error:
        raise RegistryError("The credential helper's answer is not JSON.", where=name) from error
    if answer.username == _TOKEN_USER:
        return Credential(name, identity=answer.secret)
    return Credential(name, answer.username, answer.secret) if answer.secret else None


__all__ = ["Credential", "Found", "files", "find"]
