"""A bill of materials is written to a file whole or not at all; models tell of theirs."""

import json

import msgspec
import pytest

from sealift import digest
from sealift.cli.models import packaged
from sealift.cli.pack import write_bill
from sealift.errors import MachineError
from sealift.record.contract import Contract
from sealift.record.image import Image
from sealift.record.model import Model

BILL = {"bomFormat": "CycloneDX", "components": [{"name": "é"}]}
MODEL = Model(
    name="n",
    version=1,
    digest=digest.of_bytes(b"model"),
    content=digest.of_bytes(b"content"),
    run="r",
    created=0.0,
    task="regression",
    metrics={},
    contract=Contract(task="regression", target="t", fields=(), outputs=(), prediction="p"),
)
IMAGE = Image(
    digest=digest.of_bytes(b"image"),
    platform="linux/amd64",
    layers=(),
    lock=digest.of_bytes(b"lock"),
    model=1,
    created=0.0,
    bom=digest.of_bytes(b"bom"),
    provenance=digest.of_bytes(b"provenance"),
)


def test_a_bill_is_written_as_json_and_replaces_what_was_there(tmp_path):
    """With line breaks, for people; nothing else is left in the folder."""
    path = tmp_path / "bom.json"
    path.write_text("before")

    write_bill(BILL, path)

    assert json.loads(path.read_bytes()) == BILL
    assert len(path.read_text().splitlines()) > 3
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["gone/bom.json", "file/bom.json", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    """And nothing is left there."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()

    with pytest.raises(MachineError, match="cannot be written") as caught:
        write_bill(BILL, tmp_path / name)

    assert caught.value.where == str(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_model_tells_of_the_documents_beside_its_image():
    """None before there is an image, and for images of an older Sealift."""
    older = msgspec.structs.replace(IMAGE, bom=None, provenance=None)

    assert packaged(MODEL, IMAGE) | {"bom": IMAGE.bom, "image": IMAGE.digest} == packaged(
        MODEL, IMAGE
    )
    assert packaged(MODEL, IMAGE)["provenance"] == IMAGE.provenance
    assert packaged(MODEL, older)["bom"] is None
    assert packaged(MODEL, None)["image"] is None
    assert packaged(MODEL, None)["version"] == 1
