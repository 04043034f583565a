"""Keys as PEM: ECDSA on P-256, private ones as PKCS #8, public ones as SubjectPublicKeyInfo."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sealift.errors import MachineError

PASSWORD = "SEALIFT_KEY_PASSWORD"  # noqa: S105 - the name of the variable that holds it
"""The variable of the environment with the password of the project's key."""
_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
_PRIVATE = b"PRIVATE KEY-----"


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of a public key in DER, in hexadecimal digits."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def new(password: str) -> bytes:
    """A new private key, encrypted unless the password is empty."""
    key = ec.generate_private_key(ec.SECP256R1())
    closing = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, closing)


def spell(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def is_encrypted(content: bytes) -> bool:
    """Whether a private key needs a password.

    >>> is_encrypted(new("a password")), is_encrypted(new(""))
    (True, False)
    """
    return any(mark in content for mark in _ENCRYPTED)


def is_private(content: bytes) -> bool:
    """Whether something holds a private key, of whatever kind, that is nobody else's to have.

    >>> is_private(new("a password")), is_private(b"-----BEGIN PUBLIC KEY-----")
    (True, False)
    """
    return _PRIVATE in content


def private(content: bytes, password: str, path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in the file at ``path``; the password matters for an encrypted one only.

    Raises ``MachineError``: a password is missing or wrong, or this is no such key.
    """
    closed = is_encrypted(content)
    if closed and not password:
        raise MachineError(
            "The signing key is encrypted, and no password is given.",
            where=str(path),
            remedy=f"Set {PASSWORD} in the environment.",
        )
    try:
        key = load_pem_private_key(content, password.encode() if closed else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if closed:
            raise MachineError(
                "The password does not open the signing key.",
                where=str(path),
                remedy=f"Set {PASSWORD} to its password. If that is right, the file is damaged; "
                "`sealift keys make --replace` makes a new key and keeps this one aside.",
            ) from error
        raise _damaged(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.curve):
        raise _damaged(path)
    return key


def public(content: bytes) -> ec.EllipticCurvePublicKey:
    """A public key. Raises ``ValueError`` for what is none, another kind of key, or several."""
    if content.count(b"-----BEGIN ") > 1:
        raise ValueError("This is more than one key.")
    try:
        key = load_pem_public_key(content)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key.curve):
        raise ValueError("This is another kind of key.")
    return key


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _damaged(path: Path) -> MachineError:
    return MachineError(
        "The signing key is not a P-256 key in PEM form (PKCS #8).",
        where=str(path),
        remedy="Put back a good copy, or move the file away: a signing key is then made anew, "
        "and images must be packaged and checked again.",
    )


__all__ = [
    "PASSWORD",
    "fingerprint",
    "is_encrypted",
    "is_private",
    "new",
    "private",
    "public",
    "spell",
]
