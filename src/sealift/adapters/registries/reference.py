"""Where an image lies: ``host/repository:tag@digest``, as people write it."""

from __future__ import annotations

import re

import msgspec

from sealift.errors import UsageError
from sealift.network.proxies import is_local
from sealift.types import Digest

HUB = "docker.io"
HUB_SERVER = "registry-1.docker.io"
LATEST = "latest"
_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]{1,5})?"
)
# distribution-spec 1.1, "Pulling manifests": grammars of <name> and of <reference> as a tag
_WORD = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_WORD}(?:/{_WORD})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST = 255
_EXAMPLE = "Write HOST/REPOSITORY:TAG, such as registry.example.com/team/model:3."


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A repository on a host and, where given, a tag and a digest of it; the digest counts."""

    host: str
    repository: str
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"

    @property
    def target(self) -> str:
        """What to ask the registry for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or LATEST

    @property
    def server(self) -> str:
        """The host and port that answer; for Docker Hub not the one that people write."""
        return HUB_SERVER if self.host == HUB else self.host


def parse(text: str) -> Reference:
    """A reference in the form of Docker's: without a host it means Docker Hub.

    Raises ``UsageError`` that says what is wrong.

    >>> str(parse("localhost:5000/model:3")), str(parse("debian"))
    ('localhost:5000/model:3', 'docker.io/library/debian')
    """
    rest, at, digest = text.partition("@")
    host, repository = _split(rest, text)
    before, colon, last = repository.rpartition(":")
    repository, tag = (before, last) if colon else (repository, "")
    if host == HUB and "/" not in repository:
        repository = f"library/{repository}"
    if not _HOST.fullmatch(host):
        raise _wrong(text, f"{host!r} is not the name of a host")
    if repository != repository.lower():
        raise _wrong(text, "the name of a repository has no upper-case letters")
    if not _REPOSITORY.fullmatch(repository) or len(host) + 1 + len(repository) > _LONGEST:
        raise _wrong(text, f"{repository!r} is not the name of a repository")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag!r} is not a tag")
    if at and not DIGEST.fullmatch(digest):
        raise _wrong(text, f"{digest!r} is not a SHA-256 digest")
    return Reference(
        host=host, repository=repository, tag=tag, digest=Digest(digest) if at else None
    )


def is_loopback(host: str) -> bool:
    """Whether a host (with or without a port) is this machine, by its name alone.

    >>> is_loopback("localhost:5000"), is_loopback("[::1]:5000"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    return is_local(re.sub(r":[0-9]+$", "", host))


def _split(rest: str, text: str) -> tuple[str, str]:
    if "://" in rest:
        raise _wrong(text, "it begins with a scheme")
    first, slash, others = rest.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return (HUB if first in (f"index.{HUB}", HUB_SERVER) else first), others
    return HUB, rest


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"{text!r} does not name an image: {why}.", remedy=_EXAMPLE)


__all__ = ["DIGEST", "HUB", "LATEST", "Reference", "is_loopback", "parse"]
