"""A server in another language becomes a model version, or is refused with what to do about it."""

import pytest
from intake_world import PORT, examples

from sealift.chapters import journey, remaking, versions
from sealift.check.brought.suite import CHECKS
from sealift.errors import IntegrityError, NotFoundError, PackageError, ReleaseError
from sealift.package import brought, evidence

pytestmark = pytest.mark.engine


def test_it_is_registered_under_its_own_digest_with_what_it_answers(newcomer):
    """The contract is what server and table say; the golden vectors are its own answers."""
    _, digest = newcomer.image()
    model, image = newcomer.bring()
    fields = {field.name: field for field in model.contract.fields}

    assert (model.run, model.origin.served, model.origin.image) == (None, "prices", digest)
    assert image.digest == digest
    assert [field.tensor for field in model.contract.fields] == ["area", "area", "kind"]
    assert (fields["area[0]"].low, fields["area[0]"].high) == (0.0, 15.0)
    assert fields["kind"].categories == ("flat", "house")
    assert [(one.name, one.dtype, one.shape) for one in model.contract.outputs] == [
        ("price", "FP64", (-1, 1))
    ]
    assert "1 rows with empty cells were left out." in newcomer.progress.said


def test_what_it_answered_is_what_its_checks_expect(newcomer):
    """Every check that can apply to a server of others passes; another answer would fail."""
    model, _ = newcomer.bring()
    report = newcomer.check()

    assert report.passed
    assert [one.name for one in report.results] == [one.name for one in CHECKS]
    assert not [one.name for one in report.results if one.findings]
    spared = {one.name for one in report.results if not one.applied}
    assert spared == {"packages", "vulnerabilities", "lineage"}
    golden = next(one for one in report.results if one.name == "golden")
    assert golden.detail.startswith(f"{len(examples())} rows within 0")
    assert model.contract.prediction == "price"


def test_it_is_documented_as_what_it_is(newcomer):
    """Packages from the files in it, those that are installed; and a builder that is not known."""
    _, image = newcomer.bring()
    store, signer = newcomer.wired.store, newcomer.wired.signer
    bill = evidence.bill(image.digest, store=store, signer=signer)
    purls = {one.get("purl") for one in bill["components"]}

    assert "pkg:deb/debian/perl-base@5.40.1-6?arch=amd64&distro=trixie" in purls
    assert not any("removed" in str(purl) for purl in purls)
    evidence.require(image.digest, 1, store=store, signer=signer)
    stated = brought.predicate(
        brought.Brought(
            image=image,
            model=versions.pick(newcomer.wired, 1),
            origin=versions.pick(newcomer.wired, 1).origin,
            project="prices",
        )
    )
    assert stated["runDetails"]["builder"]["id"] == brought.UNKNOWN_BUILDER
    dependencies = stated["buildDefinition"]["resolvedDependencies"]
    assert dependencies[0]["digest"] == {"sha256": image.digest.removeprefix("sha256:")}


def test_only_its_builder_can_make_it_again(newcomer):
    """Sealift has no lock of it, and says so instead of comparing with nothing."""
    _, image = newcomer.bring()
    with pytest.raises(NotFoundError, match="others built it"):
        remaking.verify(newcomer.wired, None, progress=newcomer.progress)
    with pytest.raises(IntegrityError, match="names no lock"):
        remaking.rebuild(newcomer.wired, image.digest, progress=newcomer.progress)


def test_brought_in_again_it_is_the_same_version(newcomer):
    """Started in another way it is another, and a report of one does not count for the other."""
    first, _ = newcomer.bring()
    again, _ = newcomer.bring()
    newcomer.settle(PORT + 'live = "/v2"\n')
    other, image = newcomer.bring()
    report = newcomer.check(other.version)

    assert (first.version, again.version, other.version) == (1, 1, 2)
    assert report.passed
    assert versions.image_of(newcomer.wired, first).digest == image.digest
    with pytest.raises(ReleaseError, match="about model 2, not 1"):
        journey.release(newcomer.wired, 1, strategy=None, comment="")


def test_a_server_without_manners_passes_with_warnings(newcomer):
    """It answers rubbish with 500 and listens on all interfaces; both are said, none hides."""
    newcomer.bring("rude", "open")
    report = newcomer.check()
    said = {one.name: [finding.severity for finding in one.findings] for one in report.results}

    assert report.passed
    assert set(said["endpoint"]) == {"warning"}
    assert set(said["invalid-json"]) == {"warning"}
    assert not said["golden"]


def test_a_server_that_takes_few_rows_is_asked_for_few(newcomer):
    """The contract says how many."""
    model, _ = newcomer.bring("small")

    assert model.contract.max_rows == 5
    assert newcomer.check().passed


def test_a_small_difference_is_allowed_and_recorded(newcomer):
    """Within the tolerance of the project file; none is allowed by 0."""
    model, _ = newcomer.bring("drifts")
    report = newcomer.check()
    golden = next(one for one in report.results if one.name == "golden")
    newcomer.settle(PORT + "tolerance = 0\n")

    assert "within 1e-05" in golden.detail
    assert model.version == 1
    with pytest.raises(PackageError, match="does not repeat itself"):
        newcomer.bring("drifts")


def test_without_a_table_the_server_alone_is_asked(newcomer):
    """Fewer things are known, which is said; a plain row that it answers is its golden vector."""
    model, _ = newcomer.bring(table=False)
    report = newcomer.check()

    assert any("ranges and categories are not known" in one for one in newcomer.progress.said)
    assert [field.name for field in model.contract.fields] == ["area[0]", "area[1]", "kind"]
    assert report.passed
    assert next(one for one in report.results if one.name == "golden").applied


def test_a_server_that_describes_nothing_needs_its_inputs_written_down(newcomer):
    """What the project file says stands in for it."""
    with pytest.raises(PackageError, match="does not describe"):
        newcomer.bring("silent")
    newcomer.settle(
        PORT + "[from_image.inputs.area]\ndatatype = 'FP64'\nshape = [-1, 2]\n"
        "[from_image.inputs.kind]\ndatatype = 'BYTES'\nshape = [-1]\n"
    )
    newcomer.bring("silent")
    report = newcomer.check()
    endpoint = next(one for one in report.results if one.name == "endpoint")

    assert report.passed
    assert "metadata were answered with 404" in endpoint.findings[0].message


def test_inputs_that_are_no_columns_leave_checks_without_a_row(newcomer):
    """They say that they do not apply, instead of passing as if they had looked."""
    newcomer.settle(PORT + "[from_image.inputs.pixels]\ndatatype = 'FP32'\nshape = [-1, 3, 8, 8]\n")
    model, _ = newcomer.bring("silent", table=False)
    report = newcomer.check()
    spared = [one.name for one in report.results if not one.applied]

    assert (model.contract.fields, model.contract.inputs[0].name) == ((), "pixels")
    assert report.passed
    assert spared == [
        *("valid-request", "invalid-json", "contract", "golden", "repeatable"),
        *("packages", "vulnerabilities", "lineage"),
    ]


def test_a_folder_that_it_writes_is_given_to_it(newcomer):
    """Empty, writable, and the only one of the image that is."""
    with pytest.raises(PackageError, match="Read-only file system") as refused:
        newcomer.bring("writes")
    newcomer.settle(PORT + 'scratch = ["/var/cache/prices"]\n')
    newcomer.bring("writes")
    report = newcomer.check()

    assert "[from_image] scratch" in refused.value.remedy
    assert report.passed
    assert (
        "/var/cache/prices" in next(one for one in report.results if one.name == "read-only").detail
    )


@pytest.mark.parametrize(
    ("fault", "said", "next_"),
    [
        ("crash", "there is no model", "The log says why"),
        ("root", "must be root", "does not let it be"),
        ("bare", "is answered with 404", "live and ready"),
        ("deaf", "does not answer on port", "{port}"),
        ("random", "does not repeat itself", "seeds"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_reason(newcomer, fault, said, next_):
    """Nothing is registered, and nothing is left running."""
    newcomer.settle(PORT + ("budget = 2\n" if fault in ("bare", "deaf") else ""))
    with pytest.raises(PackageError) as refused:
        newcomer.bring(fault)

    assert said in f"{refused.value.what} {refused.value.where}"
    assert next_ in refused.value.remedy
    assert not newcomer.wired.engine.find({})
    with pytest.raises(Exception, match="no model yet"):
        versions.pick(newcomer.wired, None)


def test_a_server_that_is_not_told_its_port_is_refused_before_it_is_started(newcomer):
    """What the image says of its port is told, as a hint."""
    newcomer.settle("budget = 5\n")
    with pytest.raises(PackageError, match="which port") as refused:
        newcomer.bring()

    assert "PORT=8080" in refused.value.remedy
    assert "8080/tcp" in refused.value.remedy


def test_guards_that_need_predictions_are_refused_at_the_release(newcomer):
    """Rather than a release that never comes to a verdict."""
    newcomer.settle(PORT + "[release.guard.mae]\nmargin = '2%'\n")
    newcomer.bring()
    newcomer.check()
    with pytest.raises(ReleaseError, match="mae can never be shown"):
        journey.release(newcomer.wired, None, strategy=None, comment="")
