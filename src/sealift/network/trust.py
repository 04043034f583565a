"""Whose certificates are trusted: the usual authorities, and those of a company beside them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import certifi

from sealift.errors import MachineError

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_ANY = re.compile(rb"-----BEGIN [A-Z ]+-----")


def authorities(ca: Path | None, environment: Mapping[str, str]) -> str:
    """The certificates of all authorities to trust, in PEM form.

    The usual ones are those that Python packages carry and the machine's own, or in their place
    what SSL_CERT_FILE and SSL_CERT_DIR name. ``ca`` and REQUESTS_CA_BUNDLE come beside them.
    Raises ``MachineError`` for a file that was named and does not hold certificates.
    """
    beside = environment.get("REQUESTS_CA_BUNDLE", "")
    file = environment.get("SSL_CERT_FILE", "")
    folders = [Path(one) for one in environment.get("SSL_CERT_DIR", "").split(":") if one]
    found: list[str] = []
    if ca:
        found += _chosen(ca, "network.ca in sealift.toml")
    if beside:
        found += _chosen(Path(beside), "REQUESTS_CA_BUNDLE")
    if file:
        found += _chosen(Path(file), "SSL_CERT_FILE")
    found += _listed(folders)
    if not file and not folders:
        found += _usual()
    return "\n".join([*dict.fromkeys(found), ""])


def context(pem: str) -> ssl.SSLContext:
    """Connections to servers that these authorities vouch for.

    What is checked is the same with every version of Python, and what other programs check: an
    authority may be an intermediate one, and may lack marks that RFC 5280 asks for, as those do
    that inspect the traffic of many a company.
    """
    made = ssl.create_default_context(cadata=pem)
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def _chosen(path: Path, setting: str) -> list[str]:
    """The certificates of a file (or of a folder) that somebody chose."""
    if path.is_dir():
        return list(_listed([path]))
    remedy = f"Name a file of certificates in PEM form with {setting}, or take the setting away."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MachineError(
            f"Certificates cannot be read: {error.strerror}.", where=str(path), remedy=remedy
        ) from error
    found = _blocks(content)
    if not found:
        what = "but no certificate" if _ANY.search(content) else "and nothing in PEM form"
        what = f"The file holds {len(content)} bytes {what}." if content else "The file is empty."
        raise MachineError(what, where=str(path), remedy=remedy)
    for number, block in enumerate(found, 1):
        if not _sound(block):
            raise MachineError(
                f"Certificate {number} of this file is damaged.", where=str(path), remedy=remedy
            )
    return found


def _usual() -> Iterator[str]:
    """What Python packages trust, then what this machine trusts."""
    yield from _blocks(Path(certifi.where()).read_bytes())
    places = ssl.get_default_verify_paths()
    file = Path(places.openssl_cafile)
    if file.is_file():
        yield from _tolerated(file)
    yield from _listed([Path(places.openssl_capath)])


def _listed(folders: Iterable[Path]) -> Iterator[str]:
    """All certificates in the files of folders; most are links to some of the others."""
    seen = set[Path]()
    for folder in folders:
        with suppress(OSError):
            for file in sorted(folder.iterdir()):
                real = file.resolve()
                if real not in seen and real.is_file():
                    seen.add(real)
                    yield from _tolerated(real)


def _tolerated(path: Path) -> Iterator[str]:
    """The certificates of a file that nobody here chose; what is odd in it is left out."""
    with suppress(OSError):
        found = _blocks(path.read_bytes())
        yield from found if _sound("\n".join(found)) else filter(_sound, found)


def _blocks(content: bytes) -> list[str]:
    found = (block.decode("ascii", "replace") for block in _BLOCK.findall(content))
    return [block.replace("\r", "") for block in found]


def _sound(pem: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


__all__ = ["authorities", "context"]
