"""The keyring: keys are made, replaced, trusted and distrusted, and no private key is ever lost."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealift import process
from sealift.adapters.signers import pem
from sealift.adapters.signers.keyfile import KeyFile
from sealift.adapters.signers.keyring import Keyring
from sealift.errors import IntegrityError, MachineError, NotFoundError, UsageError
from sealift.testing.signer import refuses


def half_of(key):
    """The public half of any private key, as PEM."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def another():
    """The public half of a new key, as PEM."""
    return half_of(ec.generate_private_key(ec.SECP256R1()))


def test_listing_makes_no_key(tmp_path):
    """An empty list, and still no folder."""
    assert Keyring(tmp_path / "keys").known() == []
    assert not (tmp_path / "keys").exists()


def test_a_key_that_is_there_is_not_made_again(tmp_path):
    """Making twice gives the same key, whose name is that of the signer's key."""
    first, fresh = Keyring(tmp_path).make()
    again, afresh = Keyring(tmp_path).make()

    assert (fresh, afresh) == (True, False)
    assert first == again
    assert first.fingerprint == KeyFile(tmp_path).key_id


def test_signatures_of_before_hold_after_a_replacement(tmp_path):
    """New ones are by the new key; the private key of before lies aside, for its owner alone."""
    before, signature = KeyFile(tmp_path).key_id, KeyFile(tmp_path).sign(b"x")
    secret = (tmp_path / "key.pem").read_bytes()

    own, kept = Keyring(tmp_path).replace()

    assert kept.fingerprint == before != own.fingerprint == KeyFile(tmp_path).key_id
    KeyFile(tmp_path).verify(b"x", signature, before)
    aside = tmp_path / "replaced" / f"{before}.pem"
    assert aside.read_bytes() == secret
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert pem.fingerprint(pem.public((tmp_path / "key.pub").read_bytes())) == own.fingerprint


def test_every_key_of_many_replacements_is_kept(tmp_path):
    """Five keys: one own, four aside and trusted."""
    ring = Keyring(tmp_path)
    names = {ring.replace()[0].fingerprint for _ in range(5)}

    assert len(names) == 5
    assert {one.fingerprint for one in ring.known()} == names
    assert {path.stem for path in (tmp_path / "replaced").iterdir()} == {
        one.fingerprint for one in ring.known() if one.role == "trusted"
    }


def test_a_replacement_that_cannot_be_written_leaves_the_key_as_it_was(tmp_path):
    """Here a file lies where the private key of before should go."""
    ring = Keyring(tmp_path)
    own, _ = ring.make()
    (tmp_path / "replaced").write_bytes(b"")

    with pytest.raises(MachineError, match="cannot be made or read"):
        ring.replace()

    assert ring.own() is not None
    assert KeyFile(tmp_path).key_id == own.fingerprint


def test_a_key_with_a_password_signs_with_it_alone_and_verifies_without(tmp_path):
    """Missing and wrong passwords are told apart; neither is in the message."""
    signer = KeyFile(tmp_path, "a password")
    signature, key = signer.sign(b"x"), signer.key_id

    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "key.pem").read_bytes()
    assert KeyFile(tmp_path, "a password").sign(b"x") == signature
    KeyFile(tmp_path).verify(b"x", signature, key)
    with pytest.raises(MachineError, match="no password is given") as missing:
        KeyFile(tmp_path).sign(b"x")
    with pytest.raises(MachineError, match="does not open") as wrong:
        KeyFile(tmp_path, "tried in vain").sign(b"x")
    assert "SEALIFT_KEY_PASSWORD" in missing.value.remedy
    assert "tried in vain" not in str(wrong.value)
    assert Keyring(tmp_path).known()[0].encrypted


def test_a_key_with_a_lost_password_can_be_replaced(tmp_path):
    """The new one has the new password; what the lost one signed still holds."""
    lost = KeyFile(tmp_path, "lost")
    signature, key = lost.sign(b"x"), lost.key_id

    Keyring(tmp_path, "new").replace()

    KeyFile(tmp_path).verify(b"x", signature, key)
    assert KeyFile(tmp_path, "new").key_id != key
    assert len(list((tmp_path / "replaced").iterdir())) == 1


def test_openssl_and_a_key_with_a_password_agree(tmp_path):
    """What is written it reads; what it encrypts is read."""
    KeyFile(tmp_path, "a password").sign(b"x")
    read = process.run(
        ["openssl", "pkey", "-in", tmp_path / "key.pem", "-passin", "pass:a password", "-pubout"]
    )
    assert read.stdout == (tmp_path / "key.pub").read_bytes()

    plain = KeyFile(tmp_path / "plain").key_id
    path = tmp_path / "plain" / "key.pem"
    closed = process.run(["openssl", "pkcs8", "-topk8", "-in", path, "-passout", "pass:other"])
    path.write_bytes(closed.stdout)

    assert pem.is_encrypted(path.read_bytes())
    assert KeyFile(tmp_path / "plain", "other").key_id == plain


def test_a_trusted_key_is_recognised_until_it_is_distrusted(tmp_path):
    """Trusting twice changes nothing; the beginning of the fingerprint is enough to end it."""
    colleague, ring = KeyFile(tmp_path / "colleague"), Keyring(tmp_path / "here")
    signature, key = colleague.sign(b"x"), colleague.key_id
    half = (tmp_path / "colleague" / "key.pub").read_bytes()

    assert [ring.trust(half, "")[1] for _ in range(2)] == [True, False]
    assert Path(ring.known()[0].file).name == f"{key}.pub"
    KeyFile(tmp_path / "here").verify(b"x", signature, key)

    ring.distrust(key[:10])

    refuses(KeyFile(tmp_path / "here"), b"x", signature, key, "not trusted")
    with pytest.raises(IntegrityError):
        KeyFile(tmp_path / "here").verify(b"x", signature, key)


def test_distrusting_removes_every_file_of_the_key(tmp_path):
    """One may have been put there by hand, under another name."""
    ring = Keyring(tmp_path)
    key, _ = ring.trust(another(), "")
    (tmp_path / "trusted" / "anna.pub").write_bytes(Path(key.file).read_bytes())

    assert len(ring.distrust(key.fingerprint.upper())) == 2
    assert ring.known() == []


def test_distrusting_none_several_or_ones_own_is_refused(tmp_path):
    """And takes nothing away."""
    ring = Keyring(tmp_path)
    own, _ = ring.make()
    seen = {}
    while not any(len(alike) > 1 for alike in seen.values()):
        key, _ = ring.trust(another(), "")
        seen.setdefault(key.fingerprint[0], []).append(key)
    several = next(first for first, alike in seen.items() if len(alike) > 1)
    before = ring.known()

    for word in ("", "nothing", "0" * 64):
        with pytest.raises(NotFoundError, match="No trusted key"):
            ring.distrust(word)
    with pytest.raises(UsageError, match="Several keys"):
        ring.distrust(several)
    with pytest.raises(UsageError, match="project's own"):
        ring.distrust(own.fingerprint)
    assert ring.known() == before


def test_ones_own_key_needs_no_trust(tmp_path):
    """No file is written for it."""
    ring = Keyring(tmp_path)
    own, _ = ring.make()

    assert ring.trust((tmp_path / "key.pub").read_bytes(), "") == (own, False)
    assert not (tmp_path / "trusted").exists()


@pytest.mark.parametrize("password", ["", "a password"], ids=["plain", "encrypted"])
def test_a_private_key_is_never_taken(tmp_path, password):
    """The message warns; nothing is written."""
    with pytest.raises(UsageError, match="PRIVATE key") as caught:
        Keyring(tmp_path).trust(pem.new(password) + another(), "theirs.pem")

    assert caught.value.where == "theirs.pem"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 40,
        half_of(ec.generate_private_key(ec.SECP384R1())),
        half_of(ed25519.Ed25519PrivateKey.generate()),
        another()[:80],
        another() + another(),
    ],
    ids=["empty", "rubbish", "another curve", "another algorithm", "cut off", "two"],
)
def test_what_is_not_one_public_key_of_the_kind_is_refused(tmp_path, content):
    """Whatever else it is; nothing is written."""
    with pytest.raises(UsageError, match="not one public key"):
        Keyring(tmp_path).trust(content, "theirs.pub")

    assert list(tmp_path.iterdir()) == []
