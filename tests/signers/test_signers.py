"""Signers: what they sign they recognise, and nothing else."""

import hashlib
import multiprocessing
import stat
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift import process
from sealift.adapters.signers.keyfile import KeyFile
from sealift.adapters.table import adapter
from sealift.errors import IntegrityError, MachineError
from sealift.testing.signer import MemorySigner, SignerSuite, refuses


class TestMemorySigner(SignerSuite):
    """The signer in memory passes the suite."""

    def signers(self):
        """Two strangers."""
        return MemorySigner(b"one"), MemorySigner(b"other")

    def test_a_trusted_signers_signature_is_recognised(self):
        """Whoever is trusted is named when the signer is made."""
        other = MemorySigner(b"other")
        MemorySigner(b"one", trusted=(b"other",)).verify(b"x", other.sign(b"x"), other.key_id)


class TestKeyFile(SignerSuite):
    """The key file passes the suite."""

    @pytest.fixture(autouse=True)
    def _folders(self, tmp_path):
        self.folders = (tmp_path / "one", tmp_path / "other")

    def signers(self):
        """Two strangers."""
        one, other = self.folders
        return KeyFile(one), KeyFile(other)


def key_id_of(folder):
    """The key that a process of its own finds in ``folder``."""
    return KeyFile(folder).key_id


def test_the_table_of_adapters_knows_it():
    """By the name that the project file uses."""
    assert adapter("signer", "keyfile") is KeyFile


def test_the_key_is_made_on_first_use_for_this_user_only(tmp_path):
    """Nothing is written before that, and nothing but the two halves after it."""
    signer = KeyFile(tmp_path / "keys")
    assert not (tmp_path / "keys").exists()

    signer.sign(b"x")

    assert stat.S_IMODE((tmp_path / "keys" / "key.pem").stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["key.pem", "key.pub"]
    assert b"BEGIN PRIVATE KEY" in (tmp_path / "keys" / "key.pem").read_bytes()


def test_a_later_signer_uses_the_same_key(tmp_path):
    """And gives the same signature."""
    first, later = KeyFile(tmp_path), KeyFile(tmp_path)

    assert first.key_id == later.key_id
    assert first.sign(b"x") == later.sign(b"x")


def test_the_name_of_the_key_is_the_digest_of_its_public_half(tmp_path):
    """SHA-256 of the SubjectPublicKeyInfo in DER."""
    signer = KeyFile(tmp_path)
    name = signer.key_id
    public = serialization.load_pem_public_key((tmp_path / "key.pub").read_bytes())
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    assert name == hashlib.sha256(der).hexdigest()


def test_only_one_of_many_first_users_makes_the_key(tmp_path):
    """Eight processes at once end up with one key, and leave no drafts behind."""
    context = multiprocessing.get_context("forkserver")
    with context.Pool(8) as pool:
        names = pool.map(key_id_of, [tmp_path / "keys"] * 32, chunksize=1)

    assert len(set(names)) == 1
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["key.pem", "key.pub"]


def test_verifying_makes_no_key(tmp_path):
    """A machine that only verifies needs none of its own."""
    refuses(KeyFile(tmp_path / "keys"), b"x", b"y", "0" * 64, "not trusted")

    assert not (tmp_path / "keys").exists()


def test_a_key_placed_among_the_trusted_is_recognised(tmp_path):
    """Before that it is not."""
    colleague, here = KeyFile(tmp_path / "colleague"), KeyFile(tmp_path / "here")
    signature, key = colleague.sign(b"x"), colleague.key_id
    refuses(here, b"x", signature, key, "not trusted")

    (tmp_path / "here" / "trusted").mkdir(parents=True)
    (tmp_path / "here" / "trusted" / "colleague.pub").write_bytes(
        (tmp_path / "colleague" / "key.pub").read_bytes()
    )

    here.verify(b"x", signature, key)
    refuses(here, b"y", signature, key, "does not fit")


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A signer, a payload and its signature."""
    signer = KeyFile(tmp_path_factory.mktemp("keys"))
    payload = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
    return signer, payload, signer.sign(payload)


def flip(data, bit):
    """The same bytes with one bit turned over."""
    turned = bytearray(data)
    turned[bit // 8] ^= 1 << (bit % 8)
    return bytes(turned)


def test_any_flipped_bit_of_the_signature_is_refused(signed):
    """Every single bit is tried."""
    signer, payload, signature = signed
    for bit in range(8 * len(signature)):
        refuses(signer, payload, flip(signature, bit), signer.key_id, "does not fit")


def test_any_flipped_bit_of_the_payload_is_refused(signed):
    """Every single bit is tried."""
    signer, payload, signature = signed
    for bit in range(8 * len(payload)):
        refuses(signer, flip(payload, bit), signature, signer.key_id, "does not fit")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(payload=st.binary(max_size=2000), other=st.binary(max_size=2000))
def test_a_signature_fits_its_payload_and_no_other(signed, payload, other):
    """Whatever the two payloads are."""
    signer, _, _ = signed
    signature = signer.sign(payload)

    signer.verify(payload, signature, signer.key_id)
    if other != payload:
        refuses(signer, other, signature, signer.key_id, "does not fit")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(junk=st.binary(max_size=100))
def test_bytes_that_are_no_signature_are_refused_as_one_that_does_not_fit(signed, junk):
    """Never with an error of another kind."""
    signer, payload, _ = signed
    refuses(signer, payload, junk, signer.key_id, "does not fit")


def test_openssl_recognises_the_signature(tmp_path):
    """An independent implementation agrees on key file, public key and signature."""
    signer = KeyFile(tmp_path)
    (tmp_path / "payload").write_bytes(b"payload")
    (tmp_path / "signature").write_bytes(signer.sign(b"payload"))
    verify = ["openssl", "dgst", "-sha256", "-verify", tmp_path / "key.pub"]
    verify += ["-signature", tmp_path / "signature"]

    good = process.run([*verify, tmp_path / "payload"])
    bad = process.run([*verify, tmp_path / "key.pub"])

    assert (good.status, good.text) == (0, "Verified OK")
    assert (bad.status, bad.text) == (1, "Verification failure")


def test_a_signature_by_openssl_is_recognised(tmp_path):
    """With the same key file."""
    signer = KeyFile(tmp_path)
    key = signer.key_id
    (tmp_path / "payload").write_bytes(b"payload")
    done = process.run(
        ["openssl", "dgst", "-sha256", "-sign", tmp_path / "key.pem", tmp_path / "payload"]
    )

    signer.verify(b"payload", done.stdout, key)


def test_a_key_that_others_can_read_is_not_used(tmp_path):
    """The error says what to run."""
    KeyFile(tmp_path).sign(b"x")
    (tmp_path / "key.pem").chmod(0o640)

    with pytest.raises(MachineError, match="read by other users") as caught:
        KeyFile(tmp_path).sign(b"x")

    assert "chmod 600" in caught.value.remedy


def pem(key):
    """A private key in the form of a key file."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP256R1()))[:90],
        pem(ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["empty", "nonsense", "truncated", "another curve"],
)
def test_a_damaged_key_is_an_error_and_is_left_as_it_is(tmp_path, content):
    """A key in use is never replaced silently."""
    KeyFile(tmp_path).sign(b"x")
    (tmp_path / "key.pem").write_bytes(content)

    with pytest.raises(MachineError, match="signing key is not a P-256 key"):
        KeyFile(tmp_path).sign(b"x")

    assert (tmp_path / "key.pem").read_bytes() == content


def test_a_damaged_trusted_key_is_named(tmp_path):
    """By its file."""
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "old.pub").write_bytes(b"nonsense")

    with pytest.raises(MachineError, match="trusted key") as caught:
        KeyFile(tmp_path).verify(b"x", b"y", "0" * 64)

    assert caught.value.where.endswith("old.pub")


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    """Here a file lies where the folder should be."""
    (tmp_path / "keys").write_bytes(b"")

    with pytest.raises(MachineError, match="cannot be made or read"):
        KeyFile(tmp_path / "keys").sign(b"x")


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    """A process that may not write a byte gets the error, and the next one makes the key."""
    source = (
        "import resource, sys; from pathlib import Path\n"
        "from sealift.adapters.signers.keyfile import KeyFile\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "KeyFile(Path(sys.argv[1])).sign(b'x')\n"
    )
    done = process.run([sys.executable, "-c", source, tmp_path / "keys"], timeout=60)

    assert b"MachineError: The signing key cannot be made or read: File too large." in done.stderr
    assert list((tmp_path / "keys").iterdir()) == []
    KeyFile(tmp_path / "keys").sign(b"x")


def test_verifying_with_an_unknown_key_is_an_integrity_error(signed):
    """So that it leaves with the exit code for altered things."""
    signer, payload, signature = signed
    with pytest.raises(IntegrityError):
        signer.verify(payload, signature, "f" * 64)
