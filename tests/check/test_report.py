"""A report is kept signed beside its image, and nothing but a valid, passing one is accepted."""

import base64
import json

import msgspec
import pytest

from sealift import digest, process
from sealift.adapters.signers.keyfile import KeyFile
from sealift.adapters.stores.layout import Layout
from sealift.check import bundle
from sealift.check.report import newest, require, seal
from sealift.errors import IntegrityError, NotFoundError, ReleaseError
from sealift.record.image import BUNDLE, EMPTY, MANIFEST, Descriptor, Manifest
from sealift.record.policy import PolicySettings
from sealift.record.report import CheckResult, Finding, Report
from sealift.testing.signer import MemorySigner

NOW = 1_800_000_000.0
PASSED = CheckResult(name="starts", shows="It starts.", findings=(), seconds=0.5, detail="0.5 s")
GOLDEN = msgspec.structs.replace(PASSED, name="golden")
FAILED = msgspec.structs.replace(
    GOLDEN, findings=(Finding(severity="error", message="Row 0 differs."),)
)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


@pytest.fixture
def image(store):
    """The digest of an image in it."""
    return put_image(store, "one")


@pytest.fixture
def signer():
    """A signer."""
    return MemorySigner(b"ours")


def put_image(store, mark):
    """An image without layers."""
    config = store.put(mark.encode(), "application/vnd.oci.image.config.v1+json")
    return store.put(msgspec.json.encode(Manifest(config=config, layers=())), MANIFEST).digest


def report(image, *results, finished=NOW - 60):
    """A report of these results; two that passed by default."""
    return Report(
        subject=image,
        project="flights",
        model=3,
        started=finished - 5,
        finished=finished,
        engine="bubblewrap",
        results=results or (PASSED, GOLDEN),
    )


def demand(image, store, signer, *, made=frozenset({"starts", "golden"}), **policy):
    """What a release does under a policy; reports may be an hour old if that says nothing else.

    ``made`` are the checks of today.
    """
    settings = PolicySettings(**({"age": "1 hour"} | policy))
    return require(image, store=store, signer=signer, checks=set(made), policy=settings, now=NOW)


def put_bundle(store, image, content):
    """A bundle with any content as a referrer of an image."""
    manifest = Manifest(
        artifact_type=BUNDLE,
        config=store.put(b"{}", EMPTY),
        layers=(store.put(content, BUNDLE),),
        subject=Descriptor(media_type=MANIFEST, digest=image, size=1),
    )
    return store.put(msgspec.json.encode(manifest), MANIFEST)


def bundle_of(store, kept):
    """The bundle in a referrer, as JSON."""
    with store.open(store.manifest(kept.digest).layers[0].digest) as blob:
        return json.load(blob)


def restated(signed, change):
    """The bundle with its statement changed and its signature as it was."""
    envelope = signed["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    payload = base64.b64encode(digest.canonical(statement)).decode()
    return digest.canonical({**signed, "dsseEnvelope": {**envelope, "payload": payload}})


def test_a_sealed_report_is_accepted(store, image, signer):
    """It comes back as it was, with the place where it is kept."""
    made = report(image)
    kept = seal(made, signer=signer, store=store)

    found, place = demand(image, store, signer)

    assert found == made
    assert place.digest == kept.digest


def test_a_report_is_kept_in_the_form_that_other_tools_read(store, image, signer):
    """An OCI referrer that holds a Sigstore bundle with an in-toto statement."""
    kept = seal(report(image), signer=signer, store=store)
    with store.open(kept.digest) as blob:
        manifest = json.load(blob)
    stored = bundle_of(store, kept)
    statement = json.loads(base64.b64decode(stored["dsseEnvelope"]["payload"]))

    assert manifest["artifactType"] == BUNDLE == stored["mediaType"]
    assert manifest["config"]["mediaType"] == EMPTY
    assert manifest["subject"]["digest"] == image
    with store.open(image) as blob:
        assert manifest["subject"]["size"] == len(blob.read())
    assert manifest["annotations"] == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": "urn:sealift:check-report:v1",
        "org.opencontainers.image.created": "2027-01-15T07:59:00.000Z",
    }
    hint = base64.b64encode(bytes.fromhex(signer.key_id)).decode()
    assert stored["verificationMaterial"] == {"publicKey": {"hint": hint}}
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:sealift:check-report:v1"
    assert statement["subject"] == [
        {"name": "flights", "digest": {"sha256": image.removeprefix("sha256:")}}
    ]
    assert kept in store.referrers(image, BUNDLE)


def test_the_same_report_sealed_twice_is_kept_once(store, image, signer):
    """Equal reports give equal bytes."""
    one = seal(report(image), signer=signer, store=store)
    two = seal(report(image), signer=signer, store=store)

    assert one == two
    assert len(store.referrers(image, BUNDLE)) == 1


def test_openssl_agrees_with_the_signature_of_a_report(store, image, tmp_path):
    """What is signed is DSSE's pre-authentication encoding, put together here by hand."""
    keys = tmp_path / "keys"
    envelope = bundle_of(store, seal(report(image), signer=KeyFile(keys), store=store))[
        "dsseEnvelope"
    ]
    payload = base64.b64decode(envelope["payload"])
    kind = b"application/vnd.in-toto+json"
    signed = b" ".join(
        (b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload)
    )
    (tmp_path / "signed").write_bytes(signed)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))

    done = process.run(
        [
            *("openssl", "dgst", "-sha256", "-verify", keys / "key.pub"),
            *("-signature", tmp_path / "signature", tmp_path / "signed"),
        ]
    )

    assert done.text == "Verified OK"


def test_an_image_without_a_report_is_refused(store, image, signer):
    """A report of another image does not help."""
    seal(report(put_image(store, "other")), signer=signer, store=store)

    with pytest.raises(ReleaseError, match="no report") as caught:
        demand(image, store, signer)

    assert (caught.value.where, caught.value.remedy) == (image, "Run `sealift check`.")


def test_a_report_of_an_image_that_is_not_here_cannot_be_kept(store, signer):
    """It would have nothing to refer to."""
    with pytest.raises(NotFoundError):
        seal(report(digest.of_bytes(b"nothing")), signer=signer, store=store)


def test_a_report_moved_to_another_image_is_refused(store, image, signer):
    """Its signature is good, but it speaks of the other one."""
    other = put_image(store, "other")
    kept = seal(report(other), signer=signer, store=store)
    put_bundle(store, image, digest.canonical(bundle_of(store, kept)))

    with pytest.raises(IntegrityError, match="about another image"):
        demand(image, store, signer)


def test_a_statement_with_another_subject_than_its_report_is_refused(store, image, signer):
    """Even when it is signed so."""
    made = report(image)
    statement = bundle.statement(made)
    statement["subject"] = [{"name": "flights", "digest": {"sha256": "0" * 64}}]
    payload = digest.canonical(statement)
    signature = signer.sign(bundle.encoded(bundle.PAYLOAD, payload))
    content = json.loads(bundle.pack(made, signer))
    content["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    content["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    put_bundle(store, image, digest.canonical(content))

    with pytest.raises(IntegrityError, match="about another image"):
        demand(image, store, signer)


def forget_the_failure(statement):
    """Make a failed check pass."""
    statement["predicate"]["results"][1]["findings"] = []


def test_a_report_altered_after_it_was_signed_is_refused(store, image, signer):
    """Here a failed check was turned into one that passed."""
    other = Layout(store.root.parent / "elsewhere", store.root.parent / "unpacked")
    put_image(other, "one")
    kept = seal(report(image, PASSED, FAILED), signer=signer, store=other)
    put_bundle(store, image, restated(bundle_of(other, kept), forget_the_failure))

    with pytest.raises(IntegrityError, match="does not fit"):
        demand(image, store, signer)


@pytest.mark.parametrize(
    ("field", "value"),
    [("payloadType", "application/json"), ("signatures", [])],
)
def test_an_envelope_that_was_tampered_with_is_refused(store, image, signer, field, value):
    """The type of the payload is signed too, and a signature must be there."""
    other = Layout(store.root.parent / "elsewhere", store.root.parent / "unpacked")
    put_image(other, "one")
    altered = bundle_of(other, seal(report(image), signer=signer, store=other))
    altered["dsseEnvelope"][field] = value
    put_bundle(store, image, digest.canonical(altered))

    with pytest.raises(IntegrityError, match=r"does not fit|not signed"):
        demand(image, store, signer)


def test_a_report_by_an_unknown_key_is_refused_until_the_key_is_trusted(store, image, signer):
    """Whatever it says."""
    stranger = MemorySigner(b"stranger")
    seal(report(image), signer=stranger, store=store)

    with pytest.raises(IntegrityError, match="not trusted"):
        demand(image, store, signer)

    demand(image, store, MemorySigner(b"ours", trusted=(b"stranger",)))


def test_a_report_with_failed_checks_is_refused_by_their_names(store, image, signer):
    """It is kept all the same."""
    seal(report(image, PASSED, FAILED), signer=signer, store=store)

    with pytest.raises(ReleaseError, match="failed its checks: golden"):
        demand(image, store, signer)
    assert newest(image, store=store, signer=signer)[0].results == (PASSED, FAILED)


def test_a_report_of_no_checks_is_refused(store, image, signer):
    """Nothing failed in it, and nothing passed."""
    empty = msgspec.structs.replace(report(image), results=())
    seal(empty, signer=signer, store=store)

    with pytest.raises(ReleaseError, match="none were made"):
        demand(image, store, signer, made=())


def test_a_report_without_a_required_check_is_refused(store, image, signer):
    """Such as one by an older Sealift."""
    seal(report(image, PASSED), signer=signer, store=store)

    with pytest.raises(ReleaseError, match="lacks checks: drain, golden"):
        demand(image, store, signer, made={"starts", "golden", "drain"})


def test_a_report_that_is_too_old_is_refused(store, image, signer):
    """Unless age does not matter."""
    seal(report(image, finished=NOW - 7200), signer=signer, store=store)

    with pytest.raises(ReleaseError, match="too old"):
        demand(image, store, signer)
    demand(image, store, signer, age="")


SPARED = msgspec.structs.replace(GOLDEN, name="vulnerabilities", detail="does not apply: no base.")
WARNED = msgspec.structs.replace(
    GOLDEN, findings=(Finding(severity="warning", message="It is slow."),)
)


@pytest.mark.parametrize(
    ("results", "policy", "what", "remedy"),
    [
        ((PASSED, SPARED), {"checks": ["vulnerabilities"]}, "did not apply: no base", "Mend that"),
        ((PASSED,), {"checks": ["goldn"]}, "there is none of this name", "Known: starts"),
        ((PASSED,), {"engines": ["podman"]}, "on bubblewrap, and the policy wants", "engine.name"),
        ((PASSED, WARNED), {"strict": True}, "the image's report warns: golden", "strict"),
        ((PASSED,), {"signed_by": ["ab" * 32]}, "wants one signed by abababab", "signed_by"),
        ((PASSED,), {"age": "30 minutes"}, "is more than 30 minutes ago", "Run `sealift check`"),
    ],
)
def test_a_policy_refuses_with_a_message_of_its_own(
    store, image, signer, results, policy, what, remedy
):
    """And with what to do; without the policy the same report is accepted."""
    seal(report(image, *results, finished=NOW - 2000), signer=signer, store=store)
    demand(image, store, signer, made={"starts"})

    with pytest.raises(ReleaseError, match=what) as caught:
        demand(image, store, signer, made={"starts"}, **policy)
    assert remedy in caught.value.remedy


def test_of_several_reports_one_by_a_key_that_the_policy_names_counts(store, image):
    """Though a newer one by another trusted key is there, and whatever that says."""
    ours, theirs = MemorySigner(b"ours", trusted=(b"theirs",)), MemorySigner(b"theirs")
    seal(report(image, finished=NOW - 100), signer=theirs, store=store)
    seal(report(image, PASSED, FAILED, finished=NOW - 50), signer=ours, store=store)

    found, _ = demand(image, store, ours, signed_by=[theirs.key_id])
    assert found.finished == NOW - 100

    with pytest.raises(ReleaseError, match="failed its checks"):
        demand(image, store, ours, signed_by=[theirs.key_id, ours.key_id])


def test_a_report_that_claims_another_key_than_it_was_signed_with_is_refused(store, image):
    """The name of the key in a bundle is only what it is verified with."""
    ours, theirs = MemorySigner(b"ours", trusted=(b"theirs",)), MemorySigner(b"theirs")
    other = Layout(store.root.parent / "elsewhere", store.root.parent / "unpacked")
    put_image(other, "one")
    kept = bundle_of(other, seal(report(image), signer=ours, store=other))
    hint = base64.b64encode(bytes.fromhex(theirs.key_id)).decode()
    kept["verificationMaterial"]["publicKey"]["hint"] = hint
    put_bundle(store, image, digest.canonical(kept))

    with pytest.raises(IntegrityError, match="does not fit"):
        demand(image, store, ours, signed_by=[theirs.key_id])


def test_a_report_from_the_future_is_refused(store, image, signer):
    """It would never grow old; a small difference between clocks is no matter."""
    seal(report(image, finished=NOW + 60), signer=signer, store=store)
    demand(image, store, signer)

    seal(report(image, finished=NOW + 3600), signer=signer, store=store)
    with pytest.raises(ReleaseError, match="from the future"):
        demand(image, store, signer)


def test_the_newest_report_counts_whatever_the_order_of_the_store(store, image, signer):
    """Failed after passed is failed; passed after failed is passed."""
    seal(report(image, PASSED, FAILED, finished=NOW - 100), signer=signer, store=store)
    seal(report(image, finished=NOW - 50), signer=signer, store=store)
    seal(report(image, PASSED, FAILED, finished=NOW - 200), signer=signer, store=store)
    demand(image, store, signer)

    seal(report(image, PASSED, FAILED, finished=NOW - 10), signer=signer, store=store)
    with pytest.raises(ReleaseError, match="failed its checks"):
        demand(image, store, signer)


def test_rubbish_beside_a_valid_report_does_not_hide_it(store, image, signer):
    """Of whatever kind, newer or older."""
    put_bundle(store, image, b"rubbish")
    seal(report(image), signer=signer, store=store)
    seal(report(image, finished=NOW - 1), signer=MemorySigner(b"stranger"), store=store)
    put_bundle(store, image, b"{}")

    found, _ = demand(image, store, signer)

    assert found.finished == NOW - 60


def test_a_statement_of_another_kind_is_not_taken_for_a_report(store, image, signer):
    """A bill of materials, say."""
    elsewhere = seal(report(put_image(store, "other")), signer=signer, store=store)
    materials = restated(
        bundle_of(store, elsewhere),
        lambda statement: statement.update(predicateType="https://cyclonedx.org/bom"),
    )
    put_bundle(store, image, materials)

    with pytest.raises(ReleaseError, match="no report"):
        demand(image, store, signer)


def test_every_flipped_bit_of_a_kept_report_is_refused_or_changes_nothing(store, image, signer):
    """Bits of the bundle, put back under a digest of their own."""
    made = report(image)
    whole = digest.canonical(bundle_of(store, seal(made, signer=signer, store=store)))
    accepted = 0
    for place in range(0, 8 * len(whole), 5):
        turned = bytearray(whole)
        turned[place // 8] ^= 1 << (place % 8)
        try:
            found = bundle.unpack(bytes(turned), image, signer)
        except IntegrityError:
            continue
        accepted += 1
        assert found in (None, made)

    assert accepted < 0.2 * 8 * len(whole) / 5


def test_a_blob_damaged_on_the_disk_is_refused(store, image, signer):
    """Its digest tells."""
    kept = seal(report(image), signer=signer, store=store)
    layer = store.manifest(kept.digest).layers[0].digest
    path = store.root / "blobs" / "sha256" / layer.removeprefix("sha256:")
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(damaged)

    with pytest.raises(IntegrityError):
        demand(image, store, signer)


def test_a_report_survives_in_files_with_the_signer_of_files(store, image, tmp_path):
    """From one process to the next."""
    seal(report(image), signer=KeyFile(tmp_path / "keys"), store=store)

    demand(image, Layout(store.root, tmp_path / "other"), KeyFile(tmp_path / "keys"))
