"""A signing key in a file: ECDSA on P-256 with SHA-256, the kind that cosign uses for keys."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sealift import clock
from sealift.errors import IntegrityError, MachineError


class KeyFile:
    """Signs with ``folder/key.pem`` (PKCS #8, mode 0600), made on first use and never replaced.

    Recognises its own signatures and those of the keys in ``folder/trusted/*.pub`` (PEM,
    SubjectPublicKeyInfo). ``folder/key.pub`` is the public half, to be handed to others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key in DER, in hexadecimal digits; makes the key if needed."""
        return _fingerprint(self._key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """A signature in DER; the same payload gives the same one (nonces after RFC 6979).

        Raises ``MachineError`` if the key cannot be made or used.
        """
        return self._key.sign(payload, ec.ECDSA(SHA256(), deterministic_signing=True))

    def verify(self, payload: bytes, signature: bytes, key_id: str) -> None:
        """Raises ``IntegrityError``: unknown key, or a signature that does not fit.

        Never makes a key: a machine that only verifies needs none of its own.
        """
        try:
            self._known(key_id).verify(signature, payload, ec.ECDSA(SHA256()))
        except InvalidSignature as error:
            raise IntegrityError(
                "The signature does not fit what it is said to sign.",
                where=f"key {key_id[:12]}",
                remedy="It was altered after it was signed, and must be made anew.",
            ) from error

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        path = self._folder / "key.pem"
        try:
            if not path.exists():
                _create(path)
            key = _private(path)
            _publish(self._folder / "key.pub", key.public_key())
        except OSError as error:
            raise MachineError(
                f"The signing key cannot be made or read: {error.strerror}.",
                where=str(path),
                remedy="Give this user read and write access to the folder.",
            ) from error
        return key

    def _known(self, key_id: str) -> ec.EllipticCurvePublicKey:
        for key in self._public_keys():
            if _fingerprint(key) == key_id:
                return key
        raise IntegrityError(
            "The signature was made with a key that is not trusted here.",
            where=f"key {key_id[:12]}",
            remedy=f"If you trust its owner, put their key.pub into {self._folder / 'trusted'}.",
        )

    def _public_keys(self) -> Iterator[ec.EllipticCurvePublicKey]:
        if (self._folder / "key.pem").exists():
            yield self._key.public_key()
        for path in sorted((self._folder / "trusted").glob("*.pub")):
            yield _public(path)


def _fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _create(path: Path) -> None:
    """Make a key; of several that do so at once one wins, and all use that one."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, pem, 0o600)
    try:
        # a link fails where a rename would replace: a key in use is never lost
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync(path.parent)


def _publish(path: Path, key: ec.EllipticCurvePublicKey) -> None:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not path.exists() or path.read_bytes() != pem:
        _draft(path, pem, 0o644).replace(path)


def _draft(path: Path, content: bytes, mode: int) -> Path:
    """A file beside ``path`` with this content, on the disk, under a name of its own."""
    draft = path.with_name(f".{path.name}.{clock.token()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.stat().st_mode & 0o077:
        raise MachineError(
            "The signing key can be read by other users.",
            where=str(path),
            remedy=f"Run `chmod 600 {path}`; if others may have read it, delete it instead.",
        )
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, "signing key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.curve):
        raise _damaged(path, "signing key")
    return key


def _public(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _damaged(path, "trusted key") from error
    except OSError as error:
        raise MachineError(
            f"A trusted key cannot be read: {error.strerror}.", where=str(path)
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key.curve):
        raise _damaged(path, "trusted key")
    return key


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _damaged(path: Path, role: str) -> MachineError:
    return MachineError(
        f"The {role} is not an unencrypted P-256 key in PEM form.",
        where=str(path),
        remedy="Put back a good copy, or delete the file; without it a signing key is made anew, "
        "and images must be checked again.",
    )


__all__ = ["KeyFile"]
