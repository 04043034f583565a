"""The keys of a project in a folder: its own, those it trusts, and its own of before.

``key.pem`` is the project's private key (PKCS #8, mode 0600), ``key.pub`` its public half, to be
handed to others; ``trusted/*.pub`` are the public keys of others (PEM, SubjectPublicKeyInfo), and
``replaced/*.pem`` the private keys that newer ones took the place of.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from sealift.adapters.signers import disk, pem
from sealift.errors import MachineError, NotFoundError, UsageError

_ROLES = {"key.pub": "public half of the signing key"}
_EXPORT = "Its owner gives the public half away with `sealift keys export`."


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key that this project knows, without anything secret.

    ``encrypted`` says whether the own private key needs a password.
    """

    fingerprint: str
    file: str
    role: Literal["own", "trusted"]
    encrypted: bool = False


class Keyring:
    """The keys in ``folder``; ``password`` opens the own one, and closes a new one."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder = folder
        self._own = folder / "key.pem"
        self._half = folder / "key.pub"
        self._trusted = folder / "trusted"
        self._password = password

    def private(self) -> EllipticCurvePrivateKey:
        """The project's own key, made if there is none.

        Raises ``MachineError``: it cannot be made or read, others may read it, or the password
        is missing or wrong.
        """
        with self._reached(self._own):
            if not self._own.exists():
                self._prepare()
                disk.keep(self._own, pem.new(self._password), 0o600)
            key = pem.private(self._secret(), self._password, self._own)
            half = pem.spell(key.public_key())
            if not self._half.exists() or self._half.read_bytes() != half:
                disk.replace(self._half, half, 0o644)
            return key

    def own(self) -> EllipticCurvePublicKey | None:
        """The public half of the own key, None where there is none; no password is needed."""
        with self._reached(self._own):
            if not self._own.exists():
                return None
            if pem.is_encrypted(self._secret()) and self._half.exists():
                return _public(self._half)
        return self.private().public_key()

    def public(self) -> Iterator[EllipticCurvePublicKey]:
        """All keys whose signatures are recognised."""
        own = self.own()
        if own is not None:
            yield own
        for _, key in self._others():
            yield key

    def known(self) -> list[Key]:
        """What there is, the own key first. Raises ``MachineError`` for one that is damaged."""
        own = self.own()
        others = [_told(path, key) for path, key in self._others()]
        return others if own is None else [self._mine(own), *others]

    def make(self) -> tuple[Key, bool]:
        """The own key, and whether it was made just now: one that is there stays."""
        there = self.own()
        if there is not None:
            return self._mine(there), False
        return self._mine(self.private().public_key()), True

    def replace(self) -> tuple[Key, Key | None]:
        """A new own key, and the one of before, which is trusted from now on.

        The private key of before is kept in ``replaced/``: at no time is it in no file. One with
        a lost password is replaced too.
        """
        before = self.own()
        if before is None:
            return self.make()[0], None
        with self._reached(self._own):
            kept = self._trust(before)
            aside = self._folder / "replaced" / f"{kept.fingerprint}.pem"
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            disk.sync(self._folder)
            disk.keep(aside, self._own.read_bytes(), 0o600)
            disk.replace(self._own, pem.new(self._password), 0o600)
        return self._mine(self.private().public_key()), kept

    def trust(self, content: bytes, where: str) -> tuple[Key, bool]:
        """Recognise the signatures of a public key from now on; whether that is new.

        Raises ``UsageError`` for what is not the public half of an ECDSA key on P-256.
        """
        key = _handed(content, where)
        name = pem.fingerprint(key)
        known = next((one for one in self.known() if one.fingerprint == name), None)
        if known is not None:
            return known, False
        with self._reached(self._trusted):
            return self._trust(key), True

    def distrust(self, word: str) -> list[Key]:
        """Recognise the signatures of a key no longer; ``word`` is how its fingerprint begins.

        The files that are gone now. Raises ``NotFoundError`` for no such key, ``UsageError`` for
        several and for the project's own.
        """
        wanted = word.strip().lower().removeprefix("sha256:")
        found = [one for one in self.known() if wanted and one.fingerprint.startswith(wanted)]
        _one_of_others(found, word)
        with self._reached(self._trusted):
            for one in found:
                Path(one.file).unlink(missing_ok=True)
            disk.sync(self._trusted)
        return found

    def _trust(self, key: EllipticCurvePublicKey) -> Key:
        self._prepare()
        self._trusted.mkdir(exist_ok=True)
        path = self._trusted / f"{pem.fingerprint(key)}.pub"
        disk.replace(path, pem.spell(key), 0o644)
        return _told(path, key)

    def _others(self) -> Iterator[tuple[Path, EllipticCurvePublicKey]]:
        for path in sorted(self._trusted.glob("*.pub")):
            yield path, _public(path)

    def _mine(self, key: EllipticCurvePublicKey) -> Key:
        with self._reached(self._own):
            closed = pem.is_encrypted(self._own.read_bytes())
        name = pem.fingerprint(key)
        return Key(fingerprint=name, file=str(self._own), role="own", encrypted=closed)

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _secret(self) -> bytes:
        if self._own.stat().st_mode & 0o077:
            raise MachineError(
                "The signing key can be read by other users.",
                where=str(self._own),
                remedy=f"Run `chmod 600 {self._own}`; if others may have read it, run "
                "`sealift keys make --replace` after that.",
            )
        return self._own.read_bytes()

    @contextmanager
    def _reached(self, path: Path) -> Iterator[None]:
        what = "signing key" if path == self._own else "trusted keys"
        try:
            yield
        except OSError as error:
            raise MachineError(
                f"The {what} cannot be made or read: {error.strerror}.",
                where=str(path),
                remedy="Give this user read and write access to the folder.",
            ) from error


def _told(path: Path, key: EllipticCurvePublicKey) -> Key:
    return Key(fingerprint=pem.fingerprint(key), file=str(path), role="trusted")


def _public(path: Path) -> EllipticCurvePublicKey:
    try:
        return pem.public(path.read_bytes())
    except ValueError as error:
        raise MachineError(
            f"The {_ROLES.get(path.name, 'trusted key')} is not a public P-256 key in PEM form.",
            where=str(path),
            remedy="Put back a good copy, or delete the file.",
        ) from error
    except OSError as error:
        raise MachineError(
            f"A trusted key cannot be read: {error.strerror}.", where=str(path)
        ) from error


def _handed(content: bytes, where: str) -> EllipticCurvePublicKey:
    if pem.is_private(content):
        raise UsageError(
            "This is a PRIVATE key: it is not taken, and nobody but its owner may have it.",
            where=where,
            remedy="Whoever has read it can sign in its owner's name. Its owner should replace it, "
            "such as by `sealift keys make --replace`, and hand out the new public half alone.",
        )
    try:
        return pem.public(content)
    except ValueError as error:
        raise UsageError(
            "This is not one public key in PEM form, of ECDSA on P-256.",
            where=where,
            remedy=_EXPORT,
        ) from error


def _one_of_others(found: list[Key], word: str) -> None:
    if not found:
        raise NotFoundError(
            f"No trusted key begins with {word!r}.", remedy="`sealift keys list` shows them."
        )
    if len({one.fingerprint for one in found}) > 1:
        raise UsageError(
            f"Several keys begin with {word!r}.", remedy="Write more of the fingerprint."
        )
    if any(one.role == "own" for one in found):
        raise UsageError(
            "This is the project's own key.",
            where=found[0].file,
            remedy="Run `sealift keys make --replace` first, then distrust the key of before.",
        )


__all__ = ["Key", "Keyring"]
