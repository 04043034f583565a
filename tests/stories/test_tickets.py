"""The example with a predict.py of its own goes all the way into a checked image."""

import shutil
from pathlib import Path

import pytest

from project_on_disk import ProjectOnDisk

pytestmark = [pytest.mark.network, pytest.mark.engine]

EXAMPLE = Path(__file__).parents[2] / "examples" / "tickets"


@pytest.fixture(scope="module")
def tickets(tmp_path_factory):
    """The example."""
    root = tmp_path_factory.mktemp("tickets") / "tickets"
    shutil.copytree(EXAMPLE, root)
    return ProjectOnDisk(root)


@pytest.fixture(scope="module")
def model(tickets):
    """Its model."""
    return tickets.answer("train")["model"]


@pytest.fixture(scope="module")
def image(tickets, model):
    """Its image."""
    return tickets.answer("package")["images"][0]


def test_the_contract_is_that_of_table_and_program(model):
    """A text and a truth go in; a department and a number come out."""
    contract = model["contract"]

    assert {one["name"]: one["dtype"] for one in contract["fields"]} == {
        "text": "BYTES",
        "premium": "BOOL",
    }
    assert {one["name"]: one["dtype"] for one in contract["outputs"]} == {
        "department": "BYTES",
        "sure": "FP32",
    }
    assert contract["prediction"] == "department"
    assert "people" in contract["classes"]


def test_the_image_has_the_packages_of_the_steps_and_the_program(image):
    """In the layers of the image of the steps, and in one of its own."""
    held = {(layer["role"], layer.get("holds", "")) for layer in image["layers"]}

    assert {("packages", "scikit_learn"), ("model", "code"), ("model", "files")} <= held


def test_the_digest_of_the_program_is_in_the_evidence(tickets, image):
    """In the bill of materials and in the provenance."""
    layer = next(one for one in image["layers"] if one.get("holds") == "code")
    address = layer["descriptor"]["digest"]
    bill = tickets.root / "bom.json"
    tickets.run("package", "--bom", str(bill))

    assert f'"sealift:program","value":"{address}"' in bill.read_text().replace(" ", "").replace(
        "\n", ""
    )


def test_the_image_passes_every_check(tickets, image):
    """Contract, golden vectors, life: as any other."""
    report = tickets.answer("check")

    assert {one["name"] for one in report["results"]} >= {"contract", "golden", "repeatable"}
    found = [finding for one in report["results"] for finding in one["findings"]]
    assert [one for one in found if one["severity"] == "error"] == []
