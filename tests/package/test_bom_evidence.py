"""Bill of materials, provenance and signature lie beside an image; a release demands all."""

import base64
import hashlib
import json

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from evidence_world import making

from sealift import attestation, digest
from sealift.adapters.signers.keyfile import KeyFile
from sealift.adapters.stores.layout import Layout
from sealift.errors import IntegrityError, ReleaseError
from sealift.package import evidence
from sealift.package.evidence import BOM, KINDS, PROVENANCE, SIGNATURE
from sealift.record.image import BUNDLE, EMPTY, INDEX, MANIFEST, Descriptor, Manifest
from sealift.testing.signer import MemorySigner

every = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


@pytest.fixture
def signer():
    """A signer."""
    return MemorySigner(b"ours")


def attest(store, signer, folder, **how):
    """An image with its documents."""
    made = making(store, folder, **how)
    return evidence.attest(made, store=store, signer=signer, notes=folder / "notes"), made


def kept_of(found, kind):
    """Where a document is kept."""
    return {BOM: found.bom, PROVENANCE: found.provenance, SIGNATURE: found.signature}[kind]


def bundle_of(store, kept):
    """The bundle in a referrer, as JSON."""
    with store.open(store.manifest(kept.digest).layers[0].digest) as blob:
        return json.load(blob)


def statement_of(bundle):
    """What a bundle states."""
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def put(store, kind, image, content, *, told=True):
    """Any content as a referrer of an image, as a document of a kind if ``told`` so."""
    manifest = Manifest(
        artifact_type=BUNDLE,
        config=store.put(b"{}", EMPTY),
        layers=(store.put(content, BUNDLE),),
        subject=Descriptor(media_type=MANIFEST, digest=image, size=1),
        annotations={attestation.PREDICATE_KIND: kind.predicate} if told else None,
    )
    return store.put(msgspec.json.encode(manifest), MANIFEST)


def instead(store, kind, found, image, content):
    """Any content in place of a document."""
    store.forget(kept_of(found, kind).digest)
    return put(store, kind, image, content)


def restated(bundle, change):
    """The bundle with its statement changed and its signature as it was."""
    envelope, stated = bundle["dsseEnvelope"], statement_of(bundle)
    change(stated)
    payload = base64.b64encode(digest.canonical(stated)).decode()
    return digest.canonical({**bundle, "dsseEnvelope": {**envelope, "payload": payload}})


def require(made, store, signer):
    """What a release does."""
    evidence.require(made.image.digest, 1, store=store, signer=signer)


def test_all_documents_lie_beside_the_image(store, signer, tmp_path):
    """In the form in which other tools look for them; a release then accepts the image."""
    found, made = attest(store, signer, tmp_path)

    listed = {one.digest for one in store.referrers(made.image.digest, BUNDLE)}

    assert listed == {kept_of(found, kind).digest for kind in KINDS}
    for kind, predicate in (
        (BOM, "cyclonedx.org/bom"),
        (PROVENANCE, "slsa.dev/provenance/v1"),
        (SIGNATURE, "sigstore.dev/cosign/sign/v1"),
    ):
        with store.open(kept_of(found, kind).digest) as blob:
            manifest = json.load(blob)
        bundle = bundle_of(store, kept_of(found, kind))
        stated = statement_of(bundle)
        assert manifest["artifactType"] == BUNDLE == bundle["mediaType"]
        assert manifest["subject"]["digest"] == made.image.digest
        notes = manifest["annotations"]
        assert notes["dev.sigstore.bundle.content"] == "dsse-envelope"
        assert notes["dev.sigstore.bundle.predicateType"] == f"https://{predicate}"
        assert stated["predicateType"] == f"https://{predicate}"
        assert stated["_type"] == "https://in-toto.io/Statement/v1"
        assert stated["subject"] == [
            {"name": "flights", "digest": {"sha256": made.image.digest[7:]}}
        ]
    require(made, store, signer)
    assert evidence.bill(made.image.digest, store=store, signer=signer) == found.bill


@every
def test_the_public_key_and_the_published_formats_are_enough(store, kind, tmp_path):
    """ECDSA on P-256 with SHA-256 over the encoding of DSSE, put together here by hand."""
    found, _ = attest(store, KeyFile(tmp_path / "keys"), tmp_path)
    bundle = bundle_of(store, kept_of(found, kind))
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    header = f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} "
    key = load_pem_public_key((tmp_path / "keys" / "key.pub").read_bytes())
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])

    key.verify(signature, header.encode() + payload, ec.ECDSA(SHA256()))

    assert isinstance(key.curve, ec.SECP256R1)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    hint = bundle["verificationMaterial"]["publicKey"]["hint"]
    assert hint == base64.b64encode(hashlib.sha256(der).digest()).decode()
    # cosign skips a signature whose key is named otherwise than in its own form
    assert envelope["signatures"][0].keys() == {"sig"}
    with pytest.raises(InvalidSignature):
        key.verify(signature, header.encode() + payload + b" ", ec.ECDSA(SHA256()))


def test_a_signature_that_cosign_made_is_accepted(store, tmp_path):
    """Its subject has no name and has notes; the key is trusted here."""
    ours, theirs = KeyFile(tmp_path / "keys"), ec.generate_private_key(ec.SECP256R1())
    found, made = attest(store, ours, tmp_path)
    public = theirs.public_key()
    image = made.image.digest
    instead(store, SIGNATURE, found, image, cosigned(image, theirs))

    with pytest.raises(IntegrityError, match="a key that is not trusted here"):
        require(made, store, ours)
    (tmp_path / "keys" / "trusted").mkdir()
    (tmp_path / "keys" / "trusted" / "theirs.pub").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    require(made, store, ours)


def cosigned(image, key):
    """What cosign 3.1.1 puts beside an image that it signs with a key, field by field."""
    subject = {"digest": {"sha256": image[7:]}, "annotations": {}}
    stated = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    }
    payload = json.dumps(stated).encode()
    header = f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} "
    signature = key.sign(header.encode() + payload, ec.ECDSA(SHA256()))
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    bundle = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(signature).decode()}],
        },
    }
    return json.dumps(bundle).encode()


@every
def test_a_signature_that_names_its_key_itself_is_accepted(store, signer, kind, tmp_path):
    """As bundles of an older Sealift do: in hexadecimal digits, in both places."""
    found, made = attest(store, signer, tmp_path)
    bundle = bundle_of(store, kept_of(found, kind))
    bundle["verificationMaterial"]["publicKey"]["hint"] = signer.key_id
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = signer.key_id
    instead(store, kind, found, made.image.digest, digest.canonical(bundle))

    require(made, store, signer)


def test_packaging_again_gives_the_same_documents(store, signer, tmp_path):
    """They are kept once."""
    first, made = attest(store, signer, tmp_path)
    again, _ = attest(store, signer, tmp_path)

    assert (first.bom, first.provenance) == (again.bom, again.provenance)
    assert len(store.referrers(made.image.digest)) == len(KINDS)


def test_documents_that_say_something_else_take_the_place_of_the_old_ones(store, signer, tmp_path):
    """Damaged ones too; reports and what others signed stay."""
    first, made = attest(store, signer, tmp_path)
    image = made.image.digest
    damaged = put(store, BOM, image, b"rubbish")
    theirs = put(
        store,
        PROVENANCE,
        image,
        digest.canonical(bundle_of(store, attested_by(b"theirs", made, tmp_path))),
    )
    report = put(store, attestation.Kind(predicate="r", noun="report", remedy=""), image, b"{}")
    unlabelled = put(store, BOM, image, b"{}", told=False)
    changed = msgspec.structs.replace(made, project_file=digest.of_bytes(b"other"))

    second = evidence.attest(changed, store=store, signer=signer, notes=tmp_path / "notes")

    left = {one.digest for one in store.referrers(image)}
    assert second.provenance != first.provenance
    assert second.bom == first.bom
    assert left == {
        *(second.bom.digest, second.provenance.digest, second.signature.digest),
        *(theirs.digest, report.digest, unlabelled.digest),
    }
    assert damaged.digest not in left


def attested_by(secret, made, folder):
    """The provenance of an image as another key signs it, kept in this same store."""
    store = Layout(folder / "layout", folder / "unpacked")
    stated = attestation.statement(PROVENANCE, {}, image=made.image.digest, name="flights")
    bundle = attestation.pack(stated, MemorySigner(secret))
    kept = attestation.keep(PROVENANCE, bundle, made.image.digest, created=1.0, store=store)
    store.forget(kept.digest)
    return kept


@every
def test_an_image_without_a_document_is_refused(store, signer, kind, tmp_path):
    """Such as an image by an older Sealift; the message names which, and the way out."""
    found, made = attest(store, signer, tmp_path)
    store.forget(kept_of(found, kind).digest)

    with pytest.raises(ReleaseError, match=f"has no {kind.noun}") as caught:
        require(made, store, signer)

    assert caught.value.where == made.image.digest
    assert caught.value.remedy.startswith("Run `sealift package --model 1` again")


@every
def test_a_document_altered_after_it_was_signed_is_refused(store, signer, kind, tmp_path):
    """Here something was added to it."""
    found, made = attest(store, signer, tmp_path)
    altered = restated(
        bundle_of(store, kept_of(found, kind)),
        lambda stated: stated["predicate"].update(extra=1),
    )
    instead(store, kind, found, made.image.digest, altered)

    with pytest.raises(IntegrityError, match="does not fit") as caught:
        require(made, store, signer)

    assert f"The {kind.noun} of the image is refused" in caught.value.what
    assert "sealift package" in caught.value.remedy


@every
def test_a_document_of_another_image_is_refused(store, signer, kind, tmp_path):
    """Its signature is good, but it speaks of the other one."""
    found, made = attest(store, signer, tmp_path)
    other, _ = attest(store, signer, tmp_path, version=2)
    content = digest.canonical(bundle_of(store, kept_of(other, kind)))
    instead(store, kind, found, made.image.digest, content)

    with pytest.raises(IntegrityError, match=f"The {kind.noun} is about another image"):
        require(made, store, signer)


def test_another_images_bill_under_a_signed_statement_about_this_one_is_refused(
    store, signer, tmp_path
):
    """Its serial number tells; a predicate of another kind of build is refused too."""
    found, made = attest(store, signer, tmp_path)
    other, _ = attest(store, signer, tmp_path, version=2)
    image = made.image.digest

    def signed(kind, predicate):
        stated = attestation.statement(kind, predicate, image=image, name="flights")
        return instead(store, kind, found, image, attestation.pack(stated, signer))

    wrong = signed(BOM, other.bill)
    with pytest.raises(IntegrityError, match="about another image"):
        require(made, store, signer)
    store.forget(wrong.digest)
    signed(BOM, found.bill)
    signed(PROVENANCE, {"buildDefinition": {"buildType": "another"}})
    with pytest.raises(IntegrityError, match="another kind of build"):
        require(made, store, signer)


@every
def test_a_document_by_an_unknown_key_is_refused_until_the_key_is_trusted(
    store, signer, kind, tmp_path
):
    """Whatever it says."""
    found, made = attest(store, signer, tmp_path)
    stated = statement_of(bundle_of(store, kept_of(found, kind)))
    stranger = MemorySigner(b"stranger")
    instead(store, kind, found, made.image.digest, attestation.pack(stated, stranger))

    with pytest.raises(IntegrityError, match=f"The {kind.noun} .* not trusted"):
        require(made, store, signer)

    require(made, store, MemorySigner(b"ours", trusted=(b"stranger",)))


@every
def test_an_unsigned_document_and_rubbish_are_refused(store, signer, kind, tmp_path):
    """Each with what is wrong with it; beside a valid one they do no harm."""
    found, made = attest(store, signer, tmp_path)
    image = made.image.digest
    unsigned = bundle_of(store, kept_of(found, kind))
    unsigned["dsseEnvelope"]["signatures"] = []
    put(store, kind, image, digest.canonical(unsigned))
    put(store, kind, image, b"rubbish")
    require(made, store, signer)

    store.forget(kept_of(found, kind).digest)
    with pytest.raises(IntegrityError, match=f"The {kind.noun} cannot be read"):
        require(made, store, signer)
    put(store, kind, image, digest.canonical({**unsigned, "later": 1}))
    with pytest.raises(IntegrityError, match=f"The {kind.noun} is not signed"):
        require(made, store, signer)


@every
def test_every_flipped_bit_is_refused_or_changes_nothing(store, signer, kind, tmp_path):
    """Bits of the bundle, put back under a digest of their own."""
    found, made = attest(store, signer, tmp_path)
    image = made.image.digest
    bundle = bundle_of(store, kept_of(found, kind))
    whole = digest.canonical(bundle)
    right = statement_of(bundle)["predicate"]
    accepted, tried = 0, range(0, 8 * len(whole), 97)
    for place in tried:
        turned = bytearray(whole)
        turned[place // 8] ^= 1 << (place % 8)
        try:
            stated = attestation.unpack(kind, bytes(turned), image, signer, dict)
        except IntegrityError:
            continue
        accepted += 1
        assert stated in (None, right)

    # names of fields and the like are most of a bundle that says little
    assert accepted < (0.25 if kind is SIGNATURE else 0.1) * len(tried)


@every
def test_a_document_damaged_on_the_disk_is_refused(store, signer, kind, tmp_path):
    """Its digest tells; packaging again mends it."""
    found, made = attest(store, signer, tmp_path)
    layer = store.manifest(kept_of(found, kind).digest).layers[0].digest
    path = store.root / "blobs" / "sha256" / layer.removeprefix("sha256:")
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(damaged)

    with pytest.raises(IntegrityError, match=f"The {kind.noun} of the image is refused"):
        require(made, store, signer)

    attest(store, signer, tmp_path)
    require(made, store, signer)


def test_a_report_is_not_taken_for_a_document(store, signer, tmp_path):
    """Nor one document for the other."""
    found, made = attest(store, signer, tmp_path)
    image = made.image.digest
    swapped = digest.canonical(bundle_of(store, found.provenance))
    instead(store, BOM, found, image, swapped)

    with pytest.raises(ReleaseError, match="has no bill of materials"):
        require(made, store, signer)


def test_a_signature_that_states_more_is_refused(store, signer, tmp_path):
    """It would be taken for something that nobody meant to sign."""
    found, made = attest(store, signer, tmp_path)
    image = made.image.digest
    stated = attestation.statement(SIGNATURE, {"checked": True}, image=image, name="flights")
    instead(store, SIGNATURE, found, image, attestation.pack(stated, signer))

    with pytest.raises(IntegrityError, match="states more than which image it signs: checked"):
        require(made, store, signer)


def test_an_index_is_signed_as_an_image_is(store, signer, tmp_path):
    """By its own media type, once however often; its digest is the subject of the statement."""
    index = store.put(b'{"schemaVersion":2,"manifests":[]}', INDEX)

    kept = [
        evidence.sign(index, "flights", 1.0, store=store, signer=signer).digest for _ in range(2)
    ]
    later = evidence.sign(index, "flights", 2.0, store=store, signer=signer)

    assert kept[0] == kept[1] != later.digest
    assert [one.digest for one in store.referrers(index.digest)] == [later.digest]
    subject = store.manifest(later.digest).subject
    assert (subject.media_type, subject.digest, subject.size) == (INDEX, index.digest, index.size)
    stated = statement_of(bundle_of(store, later))
    assert stated["subject"][0]["digest"] == {"sha256": index.digest[7:]}
    assert (stated["predicateType"], stated["predicate"]) == (SIGNATURE.predicate, {})


def test_a_bill_that_is_not_there_cannot_be_written_to_a_file(store, signer, tmp_path):
    """Nor one that does not hold."""
    found, made = attest(store, signer, tmp_path)
    store.forget(found.bom.digest)

    with pytest.raises(ReleaseError, match="has no bill of materials"):
        evidence.bill(made.image.digest, store=store, signer=signer)
