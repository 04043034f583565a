"""A project that was never seen before goes all the way: regression, texts, gaps, odd names."""

import csv
import random
import shutil
from pathlib import Path

import httpx
import pytest

from project_on_disk import ProjectOnDisk, Traffic

pytestmark = [pytest.mark.network, pytest.mark.engine]

SOURCE = Path(__file__).parent / "rents"
TARGET = "Rent (EUR)"
DISTRICTS = {"Altstadt": 14.0, "Hafen": 11.0, "Süd": 9.0, "West, oben": 10.0}
HEATING = {"gas": 0.0, "oil": -20.0, "district": 30.0, None: 10.0}


def flat(chance):
    """A flat with its rent; some cells are not known."""
    district, heating = chance.choice(list(DISTRICTS)), chance.choice(list(HEATING))
    area, rooms = round(chance.uniform(25, 140), 1), chance.randint(1, 5)
    balcony, floor = chance.random() < 0.4, chance.randint(0, 8)
    rent = area * DISTRICTS[district] + HEATING[heating] + 40 * balcony + chance.gauss(0, 20)
    return {
        "District": district,
        "Heating": heating,
        "Area (m²)": None if chance.random() < 0.02 else area,
        "Floor": None if chance.random() < 0.1 else floor,
        "no. of rooms": rooms,
        "balcony": balcony,
        TARGET: round(rent, 2),
    }


@pytest.fixture(scope="module")
def rents(tmp_path_factory):
    """The project with its data, with nothing left running afterwards."""
    root = tmp_path_factory.mktemp("rents") / "rents"
    shutil.copytree(SOURCE, root)
    chance = random.Random(7)
    flats = [flat(chance) for _ in range(1200)]
    (root / "data").mkdir()
    with (root / "data" / "flats.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, flats[0])
        writer.writeheader()
        writer.writerows(flats)
    project = ProjectOnDisk(root)
    yield project
    project.run("down")


@pytest.fixture(scope="module")
def first(rents):
    """A first model, built and serving."""
    version = rents.build()
    rents.run("up")
    rents.run("release", "--model", str(version), "--comment", "the first")
    return version


@pytest.fixture(scope="module")
def live():
    """Flats that no model has seen as requests, and what their rents turned out to be."""
    chance = random.Random(8)
    flats = [flat(chance) for _ in range(2000)]
    truths = [one.pop(TARGET) for one in flats]
    return flats, truths


def test_the_contract_is_the_table_as_its_owner_wrote_it(rents, first):
    """Names with blanks and brackets, and null only where the table has gaps."""
    model = next(one for one in rents.answer("models") if one["version"] == first)
    fields = {field["name"]: field for field in model["contract"]["fields"]}

    assert {name: field["type"] for name, field in fields.items()} == {
        "District": "string",
        "Heating": "string",
        "Area (m²)": "float",
        "Floor": "float",
        "no. of rooms": "int",
        "balcony": "bool",
    }
    nullable = {name for name, field in fields.items() if field["nullable"]}
    assert nullable == {"Heating", "Area (m²)", "Floor"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"District": None}, "rows[0].District"),
        ({"no. of rooms": 2.5}, "rows[0].no. of rooms"),
        ({"balcony": "yes"}, "rows[0].balcony"),
        ({"Area (m²)": "70"}, "rows[0].Area (m²)"),
        ({"Area_m2": 70.0}, "rows[0].Area_m2"),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused_with_its_field(
    rents, first, live, change, path
):
    """Nothing is guessed: a wrong kind, an unknown name and a gap where none may be."""
    address = rents.answer("up")["address"]
    answer = httpx.post(f"{address}/predict", json={"rows": [live[0][0] | change]})

    assert answer.status_code == 400
    assert answer.json()["path"] == path


def test_a_text_that_was_never_seen_is_answered_and_flagged(rents, first, live):
    """The encoder ignores it, and the answer says so."""
    address = rents.answer("up")["address"]
    row = live[0][0] | {"District": "Neuland"}
    answer = httpx.post(f"{address}/predict", json={"rows": [row]}).json()

    assert isinstance(answer["predictions"][0], float)
    assert answer["flags"] == {"0": ["District"]}


def test_a_unit_error_is_rolled_back_on_the_evidence_of_labels(rents, first, live):
    """Its own metrics are as good as ever; the rents that come later show the harm."""
    damaged = rents.build("unit=ft2")
    release, failed = release_under_traffic(rents, damaged, live, status=9)

    assert (release["version"], release["outcome"]) == (damaged, "rolled-back")
    assert release["audit"]["failed"] == failed == 0
    assert rents.answer("status")["serving"] == first


def release_under_traffic(project, version, live, status):
    """Release a version while labelled requests arrive; the record, and how many failed."""
    traffic = Traffic(project.answer("up"), *live)
    traffic.start()
    try:
        project.run("release", "--model", str(version), status=status)
    finally:
        traffic.stop()
    return project.answer("releases")[-1], traffic.failed
