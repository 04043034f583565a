"""A signing key in a file: ECDSA on P-256 with SHA-256, the kind that cosign uses for keys."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sealift.adapters.signers import pem
from sealift.adapters.signers.keyring import Keyring
from sealift.errors import IntegrityError


class KeyFile:
    """Signs with ``folder/key.pem``, made on first use and never replaced by signing.

    Recognises its own signatures and those of the keys in ``folder/trusted/*.pub``. ``password``
    opens an encrypted key; a key that is made while there is one is encrypted with it.
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder = folder
        self._ring = Keyring(folder, password)

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key in DER, in hexadecimal digits; makes the key if needed."""
        return pem.fingerprint(self._key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """A signature in DER; the same payload gives the same one (nonces after RFC 6979).

        Raises ``MachineError`` if the key cannot be made or used.
        """
        return self._key.sign(payload, ec.ECDSA(SHA256(), deterministic_signing=True))

    def verify(self, payload: bytes, signature: bytes, key_id: str) -> None:
        """Raises ``IntegrityError``: unknown key, or a signature that does not fit.

        Never makes a key, nor needs a password: a machine that only verifies has neither.
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
        return self._ring.private()

    def _known(self, key_id: str) -> ec.EllipticCurvePublicKey:
        for key in self._ring.public():
            if pem.fingerprint(key) == key_id:
                return key
        raise IntegrityError(
            "The signature was made with a key that is not trusted here.",
            where=f"key {key_id[:12]}",
            remedy="If you trust its owner, have them run `sealift keys export`, and give the file "
            "to `sealift keys trust FILE`.",
        )


__all__ = ["KeyFile"]
