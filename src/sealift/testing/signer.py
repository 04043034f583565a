"""A signer in memory, and the suite that every signer passes."""

from __future__ import annotations

import hashlib
import hmac

from sealift.errors import IntegrityError
from sealift.ports import Signer


class MemorySigner:
    """Signs with a shared secret (HMAC-SHA-256); for tests only.

    Recognises its own signatures and those of signers with a secret in ``trusted``.

    >>> signer = MemorySigner(b"a secret")
    >>> signer.verify(b"payload", signer.sign(b"payload"), signer.key_id)
    """

    def __init__(self, secret: bytes, *, trusted: tuple[bytes, ...] = ()) -> None:
        self._secret = secret
        self._known = {_name(known): known for known in (secret, *trusted)}

    @property
    def key_id(self) -> str:
        """A digest of the secret."""
        return _name(self._secret)

    def sign(self, payload: bytes) -> bytes:
        """The keyed digest of the payload."""
        return hmac.digest(self._secret, payload, "sha256")

    def verify(self, payload: bytes, signature: bytes, key_id: str) -> None:
        """Raises ``IntegrityError``: unknown key, or a signature that does not fit."""
        if key_id not in self._known:
            raise IntegrityError("The signature was made with a key that is not trusted here.")
        right = hmac.digest(self._known[key_id], payload, "sha256")
        if not hmac.compare_digest(right, signature):
            raise IntegrityError("The signature does not fit what it is said to sign.")


def _name(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


class SignerSuite:
    """What every signer does; an adapter's tests inherit this and say how to make two of them."""

    def signers(self) -> tuple[Signer, Signer]:
        """Two signers with different keys that do not trust each other."""
        raise TypeError(f"{type(self).__name__} does not say how to make its signers.")

    def test_a_signature_is_recognised_by_its_signer(self) -> None:
        """The empty payload has a signature too."""
        signer, _ = self.signers()
        for payload in (b"", b"payload", bytes(range(256)) * 4096):
            signer.verify(payload, signer.sign(payload), signer.key_id)

    def test_a_key_has_one_name_and_no_other_key_has_it(self) -> None:
        """The key's id stays the same from use to use."""
        one, other = self.signers()
        assert one.key_id == one.key_id != other.key_id

    def test_an_altered_payload_is_refused(self) -> None:
        """A byte added, removed or changed."""
        signer, _ = self.signers()
        signature = signer.sign(b"payload")
        for altered in (b"", b"payloa", b"payload ", b"Payload"):
            refuses(signer, altered, signature, signer.key_id, "does not fit")

    def test_an_altered_signature_is_refused(self) -> None:
        """An empty one and one of another payload too."""
        signer, _ = self.signers()
        good = signer.sign(b"payload")
        for bad in (b"", good[:-1], good + b"\0", signer.sign(b"other")):
            refuses(signer, b"payload", bad, signer.key_id, "does not fit")

    def test_a_strangers_signature_is_refused_by_the_name_of_its_key(self) -> None:
        """The message tells an unknown key from a signature that does not fit."""
        signer, stranger = self.signers()
        signature = stranger.sign(b"payload")
        refuses(signer, b"payload", signature, stranger.key_id, "not trusted")
        refuses(signer, b"payload", signature, signer.key_id, "does not fit")
        refuses(signer, b"payload", signature, "", "not trusted")


def refuses(signer: Signer, payload: bytes, signature: bytes, key_id: str, words: str) -> None:
    """Assert that ``verify`` raises ``IntegrityError`` with these words."""
    try:
        signer.verify(payload, signature, key_id)
    except IntegrityError as error:
        said = error.what
    else:
        said = "nothing: the signature was accepted"
    assert words in said, f"{words!r} was expected; it said {said!r}"


__all__ = ["MemorySigner", "SignerSuite", "refuses"]
