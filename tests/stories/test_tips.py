"""A pipeline that joblib wrote: refused, allowed by its digest, converted, and served as ONNX."""

import csv
import random
import shutil
from pathlib import Path

import pytest

from project_on_disk import ProjectOnDisk
from sealift.testing.registry import RegistryServer

pytestmark = [pytest.mark.network, pytest.mark.engine]

SOURCE = Path(__file__).parent / "tips"


@pytest.fixture(scope="module")
def tips(tmp_path_factory):
    """The project with its data."""
    root = tmp_path_factory.mktemp("tips") / "tips"
    shutil.copytree(SOURCE, root)
    chance = random.Random(3)
    (root / "data").mkdir()
    with (root / "data" / "visits.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["bill", "size", "day", "tip"])
        for _ in range(400):
            bill, size = round(chance.uniform(5, 60), 2), chance.randint(1, 6)
            tip = "generous" if bill / size + chance.gauss(0, 3) < 12 else "mean"
            writer.writerow([bill, size, chance.choice(["Thu", "Fri", "Sat"]), tip])
    return ProjectOnDisk(root)


@pytest.fixture(scope="module")
def refused(tips):
    """What is said of the model at first."""
    return tips.run("train", status=7).stderr


def test_the_refusal_names_the_file_its_imports_and_both_ways_out(refused):
    """Nothing was loaded to find that out."""
    assert "model.joblib (pickle) can run code" in refused
    assert "sklearn.pipeline.Pipeline" in refused
    assert "nothing of it is known to do harm" in refused
    assert "docs/your-model.md" in refused


@pytest.fixture(scope="module")
def model(tips, refused):
    """The model, once the line that was printed stands in the project file."""
    line = next(line.strip() for line in refused.splitlines() if "allow = [" in line)
    file = tips.root / "sealift.toml"
    file.write_text(f"{file.read_text()}{line}\n")
    return tips.answer("train")["model"]


def test_an_allowed_pipeline_is_converted_with_a_field_for_each_column(model):
    """Names, types and classes are those of the table it was trained on."""
    fields = {field["name"]: field["type"] for field in model["contract"]["fields"]}

    assert fields == {"bill": "float", "size": "int", "day": "string"}
    assert model["contract"]["classes"] == ["generous", "mean"]
    assert {one["name"] for one in model["contract"]["outputs"]} == {"label", "probabilities"}


def test_the_model_tells_what_it_was_converted_from(model, tips):
    """The original's digest, the converter's version, and how well the two agree."""
    made = model["conversion"]

    assert made["digest"] in (tips.root / "sealift.toml").read_text()
    assert made["form"] == "pickle"
    assert "skl2onnx" in made["tools"]
    assert made["rows"] == 300
    assert made["worst"] <= made["tolerance"]


def test_the_image_goes_to_a_registry_while_it_is_made(model, tips):
    """From one command, with all about it: the same images as without a registry."""
    alone = tips.answer("package")["images"]
    with RegistryServer() as server:
        sent = tips.answer("package", "--to", f"{server.host}/team/tips")
        again = tips.answer("package", "--to", f"{server.host}/team/tips")

    assert [one["digest"] for one in sent["images"]] == [one["digest"] for one in alone]
    assert server.tags["team/tips", "1"] == sent["pushed"]["digest"]
    layers = {one["descriptor"]["digest"] for one in sent["images"][0]["layers"]}
    assert layers <= {digest for _, digest in server.blobs}
    assert sent["pushed"]["sent_blobs"] == len(server.blobs)
    assert (again["pushed"]["sent_blobs"], again["pushed"]["manifests"]) == (0, 0)


def test_what_is_converted_is_packaged_without_the_original(model, tips):
    """The image holds ONNX and no pickle."""
    (image,) = tips.answer("package")["images"]
    held = [layer["holds"] for layer in image["layers"] if layer["role"] == "model"]

    assert sorted(held) == [
        *("contract.json", "golden.json", "model.json", "model.onnx", "profile.json"),
    ]
