"""Where Debian packages come from on this machine: its own package sources, never a built-in host.

Formats: sources.list(5), both the one-line and the deb822 style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealift.errors import SourceError
from sealift.network.network import Network
from sealift.package import control

_SUITES = {
    *("stable", "testing", "oldstable", "unstable", "sid"),
    *("bullseye", "bookworm", "trixie", "forky", "duke"),
}
_SCHEMES = ("http://", "https://", "file:")
_LINE = re.compile(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)((?:\s+[^#\s]+)*).*")
_REMEDY = (
    "Name a Debian mirror with network.mirror in sealift.toml, or with the environment variable "
    "SEALIFT_MIRROR."
)


@dataclass(frozen=True)
class Source:
    """One entry of the machine's sources: a base address and what it has there."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keys: str = ""


@dataclass(frozen=True)
class Mirror:
    """Base addresses of the main archive and, if known, of the security archive; OpenPGP keys."""

    main: str
    security: str
    keyring: bytes


def mirror(network: Network, *, machine: Path = Path("/")) -> Mirror:
    """The mirror to choose packages from, with the keys that its releases are signed with.

    ``machine`` is the root of the file system that is asked. Raises ``SourceError`` when none is
    known, or when there are no keys to check signatures with.
    """
    main, security = bases(network, machine=machine)
    if not main:
        raise unknown(machine)
    return Mirror(main, security, _keyring(list(_debian(machine)), network.keyring, machine))


def bases(network: Network, *, machine: Path = Path("/")) -> tuple[str, str]:
    """The addresses of the main archive and of the security archive, empty where not known.

    They are those that somebody chose, else those of the machine's own sources.
    """
    main, security = network.mirror, network.security_mirror
    if not main:
        found = list(_debian(machine))
        main = next((entry.uri for entry in found if not _is_security(entry)), "")
        security = security or next((e.uri for e in found if _is_security(e)), "")
    return main.rstrip("/"), security.rstrip("/")


def unknown(machine: Path = Path("/")) -> SourceError:
    """The error for a machine that knows no mirror."""
    return SourceError(
        "No Debian mirror is known: this machine's package sources name none.",
        where=str(machine / "etc/apt"),
        remedy=_REMEDY,
    )


def _is_security(source: Source) -> bool:
    return all(suite.endswith(("-security", "/updates")) for suite in source.suites)


def _debian(machine: Path) -> Iterator[Source]:
    """The entries that are Debian's own archives, judged by the names of their suites."""
    for entry in configured(machine):
        bases = {re.split(r"[-/]", suite)[0] for suite in entry.suites}
        if bases and bases <= _SUITES and "main" in entry.components:
            yield entry


def configured(machine: Path) -> Iterator[Source]:
    """Every entry for binary packages below ``etc/apt``, in the order apt reads them."""
    folder = machine / "etc/apt"
    parts = folder / "sources.list.d"
    files = [folder / "sources.list"]
    if parts.is_dir():
        files += sorted(parts.iterdir())
    for path in files:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        yield from _deb822(text) if path.suffix == ".sources" else _one_line(text)


def _deb822(text: str) -> Iterator[Source]:
    for stanza in control.stanzas(text):
        on = stanza.get("Enabled", "yes").lower() not in ("no", "false", "0", "off")
        if not on or "deb" not in stanza.get("Types", "").split():
            continue
        for uri in stanza.get("URIs", "").split():
            if uri.startswith(_SCHEMES):
                yield Source(
                    uri,
                    tuple(stanza.get("Suites", "").split()),
                    tuple(stanza.get("Components", "").split()),
                    stanza.get("Signed-By", ""),
                )


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = _LINE.fullmatch(line.strip())
        if words and words[2].startswith(_SCHEMES):
            options = dict(pair.partition("=")[::2] for pair in (words[1] or "").split())
            yield Source(
                words[2], (words[3],), tuple(words[4].split()), options.get("signed-by", "")
            )


def _keyring(found: list[Source], chosen: Path | None, machine: Path) -> bytes:
    """The keys to trust: those chosen, else those of the entries, else the archive's package."""
    if chosen:
        try:
            return chosen.read_bytes()
        except OSError as error:
            raise SourceError(
                f"The keyring cannot be read: {error.strerror}.",
                where=str(chosen),
                remedy="Correct network.keyring in sealift.toml, or SEALIFT_KEYRING.",
            ) from error
    shared = machine / "usr/share/keyrings"
    named = [machine / entry.keys.lstrip("/") for entry in found if entry.keys.startswith("/")]
    archive = [shared / f"debian-archive-keyring.{end}" for end in ("pgp", "gpg")]
    for path in [*archive, *named]:
        if path.is_file():
            return path.read_bytes()
    for entry in found:
        if "BEGIN PGP" in entry.keys:
            return _embedded(entry.keys)
    raise SourceError(
        "No keys are known to check the Debian archive's signatures with.",
        where=str(shared),
        remedy="Install the package debian-archive-keyring, or name a keyring file with "
        "network.keyring in sealift.toml, or with SEALIFT_KEYRING.",
    )


def _embedded(text: str) -> bytes:
    """A key written into a deb822 entry: empty lines stand as single dots."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join("" if line == "." else line for line in lines).encode()


__all__ = ["Mirror", "Source", "bases", "configured", "mirror", "unknown"]
