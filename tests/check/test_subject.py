"""An image that cannot be checked is refused with what it lacks."""

import msgspec
import pytest
from check_world import CONTRACT, golden, put_image, write_model

from sealift.check.subject import read
from sealift.check.suite import check_image
from sealift.errors import CheckError, NotFoundError
from sealift.record.contract import Golden
from sealift.record.model import Model
from sealift.types import Digest


def model(version):
    """A model of the registry with this version."""
    return Model(
        name="flights",
        version=version,
        digest=Digest("sha256:0"),
        content=Digest("sha256:0"),
        run="r",
        created=0.0,
        task="regression",
        metrics={},
        contract=CONTRACT,
    )


def checked(world, image, version=3):
    """The report of an image that should hold this version."""
    return check_image(
        image,
        world.bench(),
        project="flights",
        model=model(version),
        progress=world.progress,
    )


def test_an_image_of_a_model_is_checked(world):
    """By its digest; the logs are kept, of the server and of that with room for one request."""
    report = checked(world, world.image())

    assert report.passed
    assert report.subject == world.image()
    assert len(list((world.folder / "live" / "check").iterdir())) == 2


def test_an_image_of_another_version_is_refused(world):
    """It is not even started."""
    with pytest.raises(CheckError, match="holds model 3, not 4") as caught:
        checked(world, world.image(), version=4)

    assert "sealift package --model 4" in caught.value.remedy
    assert world.engine.specs == []


def test_an_image_without_a_model_is_refused(world):
    """Such as that of the steps."""
    (world.folder / "empty").mkdir()
    image = put_image(world.store, world.folder / "empty", ["/usr/bin/python3"])

    with pytest.raises(CheckError, match="holds no model"):
        read(image, world.store)


def test_an_image_without_an_entry_point_is_refused(world):
    """Nothing says how it is started."""
    image = put_image(world.store, world.folder / "content", [])

    with pytest.raises(CheckError, match="does not say how it is started"):
        read(image, world.store)


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"task": "cooking"}', b"[" * 100_000])
def test_a_damaged_contract_is_named(world, content):
    """By its path in the image."""
    write_model(world.folder / "damaged")
    (world.folder / "damaged" / "model" / "contract.json").write_bytes(content)
    image = put_image(world.store, world.folder / "damaged", ["x"])

    with pytest.raises(CheckError, match="cannot be read") as caught:
        read(image, world.store)

    assert caught.value.where == "/model/contract.json"


@pytest.mark.parametrize(
    "vectors",
    [
        Golden(rows=golden().rows, outputs={"other": golden().outputs["delay"]}),
        Golden(rows=golden().rows, outputs={"delay": [1.0]}),
        Golden(rows=({"hour": 3},), outputs={"delay": [1.0]}),
    ],
    ids=["no predictions", "too few", "other fields"],
)
def test_golden_vectors_that_do_not_fit_the_contract_are_refused(world, vectors):
    """The image was put together wrongly."""
    write_model(world.folder / "odd", vectors=vectors)
    image = put_image(world.store, world.folder / "odd", ["x"])

    with pytest.raises(CheckError, match="do not fit the contract"):
        read(image, world.store)


def test_an_image_that_is_not_here_is_not_found(world):
    """As the store says."""
    with pytest.raises(NotFoundError):
        read(Digest("sha256:" + "0" * 64), world.store)


def test_a_model_without_golden_vectors_fails_its_check(world):
    """There would be nothing to compare with."""
    content = world.folder / "content" / "model"
    (content / "golden.json").write_bytes(b'{"rows": [], "outputs": {"delay": []}}')
    report = world.check("golden")

    assert "holds no golden vectors" in report.results[1].findings[0].message


def test_the_record_of_a_model_is_as_expected():
    """The helper above fits the record."""
    assert msgspec.convert(msgspec.to_builtins(model(3)), Model) == model(3)
