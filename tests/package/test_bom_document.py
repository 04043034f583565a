"""The bill of materials names what is in an image, by its layers and its lock."""

import json
from email import message_from_string
from importlib.metadata import version
from pathlib import Path

import cyclonedx.schema
import msgspec
import pytest
from cyclonedx.model.bom import Bom
from evidence_world import making
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from sealift import digest
from sealift.adapters.stores.layout import Layout
from sealift.errors import IntegrityError, PackageError
from sealift.package import bom, contents, licences, server
from sealift.package.contents import Reader, Wheel
from sealift.package.embedded import UNREADABLE, parts, unreadable
from sealift.package.notes import Notes
from sealift.record.image import LAYER_ZSTD

LIBC = "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64&distro=trixie"


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


def bill(store, folder, **how):
    """The bill of an image made of small layers."""
    made = making(store, folder, **how)
    reader = Reader(store, folder / "notes")
    layers = [layer for layer in made.image.layers if layer.role != "model"]
    return bom.document(made, [(layer, reader.contents(layer)) for layer in layers]), made


def part(document, name):
    """The component of a name, wherever it is."""
    waiting = list(document["components"])
    while waiting:
        one = waiting.pop()
        if one["name"] == name:
            return one
        waiting += one.get("components", [])
    raise AssertionError(name)


def properties(one):
    """The properties of a component."""
    return [(item["name"], item["value"]) for item in one["properties"]]


def test_what_was_noted_of_packages_gives_the_same_bill(store, tmp_path):
    """The licences and parts are worked out once, and anew where the note cannot be read."""
    plain, made = bill(store, tmp_path)
    held = [
        (layer, Reader(store, tmp_path / "notes").contents(layer))
        for layer in made.image.layers
        if layer.role != "model"
    ]
    notes = Notes(tmp_path / "packages")

    def again():
        return digest.canonical(bom.document(made, held, notes))

    assert again() == digest.canonical(plain)
    (note,) = notes.folder.iterdir()
    assert again() == digest.canonical(plain)
    note.write_bytes(note.read_bytes()[:100])
    assert again() == digest.canonical(plain)
    other = msgspec.structs.replace(held[1][0], descriptor=held[0][0].descriptor)
    changed = bom.document(made, [held[0], (other, held[1][1])], notes)
    assert digest.canonical(changed) != digest.canonical(plain)


def test_debian_packages_are_named_with_digest_licence_and_place(store, tmp_path):
    """By the stanzas in the layer; the digest is that of the locked file of the same version."""
    document, made = bill(store, tmp_path)

    libc = part(document, "libc6")

    assert (libc["type"], libc["version"], libc["purl"]) == ("library", "2.41-12+deb13u4", LIBC)
    assert libc["hashes"] == [{"alg": "SHA-256", "content": digest.of_bytes(b"libc6")[7:]}]
    assert libc["licenses"] == [
        {"license": {"id": "LGPL-2.1-or-later"}},
        {"license": {"id": "MIT"}},
    ]
    assert properties(libc) == [("sealift:layer", made.image.layers[0].descriptor.digest)]
    assert "dash" not in json.dumps(document)


def test_a_package_without_a_copyright_file_has_the_licence_of_its_source(store, tmp_path):
    """Debian links such files to those of another package of the same source."""
    document, _ = bill(store, tmp_path)

    assert part(document, "libc-bin")["licenses"] == part(document, "libc6")["licenses"]
    assert part(document, "libc-bin")["purl"].startswith("pkg:deb/debian/libc-bin@1:2.0?")


def test_nothing_is_said_that_is_not_known(store, tmp_path):
    """A licence in prose, a locked version that is not the one in the image, several files."""
    document, _ = bill(store, tmp_path)

    assert "licenses" not in part(document, "libgcc-s1")
    assert "hashes" not in part(document, "libgcc-s1")
    assert "hashes" not in part(document, "click")


def test_wheels_are_named_with_digest_and_licence(store, tmp_path):
    """An expression as it is, a classifier by its words."""
    document, made = bill(store, tmp_path)

    forest = part(document, "forest")

    assert forest["purl"] == "pkg:pypi/forest@1.0"
    assert forest["hashes"] == [{"alg": "SHA-256", "content": "d" * 64}]
    assert forest["licenses"] == [{"expression": "MIT AND BSD-3-Clause"}]
    assert properties(forest) == [
        ("sealift:layer", made.image.layers[1].descriptor.digest),
        ("sealift:sbom:unreadable", "sboms/odd.cdx.json"),
    ]
    assert part(document, "click")["licenses"] == [{"license": {"name": "BSD License"}}]


def test_what_a_wheel_brings_along_is_inside_it(store, tmp_path):
    """Its own bill of materials, as far as it makes sense, and the libraries put into it."""
    document, _ = bill(store, tmp_path)
    inside = {one["name"]: one for one in part(document, "forest")["components"]}

    assert set(inside) == {"libgomp", "crate", "inner", "forest.libs/libomp-1.so"}
    assert inside["libgomp"]["purl"] == "pkg:rpm/almalinux/libgomp@8.5"
    assert inside["libgomp"]["licenses"] == [
        {"license": {"id": "GPL-3.0-or-later"}},
        {"license": {"name": "Own"}},
    ]
    assert inside["crate"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert inside["crate"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert (inside["crate"]["type"], "purl" in inside["crate"]) == ("library", False)
    library = inside["forest.libs/libomp-1.so"]
    assert library["type"] == "file"
    assert library["hashes"] == [{"alg": "SHA-256", "content": digest.of_bytes(b"")[7:]}]


def test_the_model_has_a_card(store, tmp_path):
    """Task, inputs, outputs, metrics, and the data by digest, which is not in the image."""
    document, made = bill(store, tmp_path)
    model = next(o for o in document["components"] if o["type"] == "machine-learning-model")
    card = model["modelCard"]

    assert (model["name"], model["version"]) == ("flights", "1")
    assert model["hashes"] == [{"alg": "SHA-256", "content": made.model.digest[7:]}]
    assert card["modelParameters"] == {
        "task": "regression",
        "datasets": [{"ref": "data:flights"}],
        "inputs": [{"format": "age: int or null, at least 0"}],
        "outputs": [{"format": "y: FP32 [-1, 1]"}],
    }
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "mae", "value": "0.30000000000000004"},
        {"type": "rmse", "value": "31.5"},
    ]
    data = next(one for one in document["components"] if one["type"] == "data")
    assert (data["bom-ref"], data["scope"]) == ("data:flights", "excluded")
    assert data["hashes"] == [{"alg": "SHA-256", "content": digest.of_bytes(b"data")[7:]}]


def test_the_bill_says_which_image_and_which_system_it_is_about(store, tmp_path):
    """The distribution is what a scanner looks up faults by."""
    document, made = bill(store, tmp_path)
    subject = document["metadata"]["component"]

    assert subject["hashes"] == [{"alg": "SHA-256", "content": made.image.digest[7:]}]
    assert document["serialNumber"] == bom.serial_number(made.image.digest)
    system = next(one for one in document["components"] if one["type"] == "operating-system")
    assert (system["name"], system["version"]) == ("debian", "13")
    assert part(document, "sealift")["type"] == "application"


def test_what_is_linked_into_the_server_is_told_as_part_of_it(store, tmp_path):
    """By what the library says of itself; the modules are Sealift's own."""
    _, made = bill(store, tmp_path)
    server_layer = next(one for one in made.image.layers if one.role == "server")
    held = contents.of_entries(server.files("linux/arm64"))
    document = bom.document(made, [(server_layer, held)])
    (zig,) = part(document, "sealift")["components"]
    assert (zig["name"], zig["version"]) == ("zig", version("ziglang"))
    assert zig["purl"] == f"pkg:generic/zig@{version('ziglang')}"
    assert zig["licenses"] == [{"license": {"id": "MIT"}}]
    assert held.unpacked == sum(one.size for one in server.files("linux/arm64"))


def test_dependencies_are_those_that_are_in_the_image(store, tmp_path):
    """Of packages and wheels; the image needs all but its data."""
    document, _ = bill(store, tmp_path)
    needs = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    gcc = "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=trixie"

    assert needs["pkg:pypi/forest@1.0"] == ["pkg:pypi/click@8.0"]
    assert needs[LIBC] == [gcc]
    assert needs[part(document, "libc-bin")["bom-ref"]] == sorted([gcc, LIBC])
    everything = needs[document["metadata"]["component"]["bom-ref"]]
    assert LIBC in everything
    assert "data:flights" not in everything


def test_the_same_image_gives_the_same_bytes(tmp_path):
    """In another store, with or without notes; another image gives another serial number."""
    one = Layout(tmp_path / "a", tmp_path / "au")
    two = Layout(tmp_path / "b", tmp_path / "bu")

    first, made = bill(one, tmp_path / "a")
    again, _ = bill(one, tmp_path / "a")
    elsewhere, _ = bill(two, tmp_path / "b")
    other, _ = bill(two, tmp_path / "b", version=2)

    assert digest.canonical(first) == digest.canonical(again) == digest.canonical(elsewhere)
    assert other["serialNumber"] != first["serialNumber"]
    assert first["metadata"]["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert made.image.digest in first["metadata"]["component"]["purl"]


def schema():
    """The standard's schema of version 1.6, as its library carries it."""
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    names = ("spdx", "jsf-0.82", "cryptography-defs")
    parts = {name: f"{name}.SNAPSHOT.schema.json" for name in names}
    whole = {
        f"http://cyclonedx.org/schema/{file}": json.loads((folder / file).read_text())
        for file in parts.values()
    }
    registry = Registry().with_resources(
        (name, DRAFT7.create_resource(content)) for name, content in whole.items()
    )
    main = json.loads((folder / "bom-1.6.SNAPSHOT.schema.json").read_text())
    return Draft7Validator(main, registry=registry)


SCHEMA = schema()


def test_it_is_valid_by_the_standards_schema(store, tmp_path):
    """CycloneDX 1.6, which a component without a name is not."""
    document, _ = bill(store, tmp_path)

    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    del document["components"][0]["name"]
    assert not SCHEMA.is_valid(document)


TEXT = st.text(max_size=12) | st.sampled_from(
    ["library", "file", "MIT", "MIT OR Apache-2.0", "SHA-256", "a" * 64, "pkg:cargo/a@1", "\ud7ff"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LICENCE = st.fixed_dictionaries(
    {},
    optional={
        "expression": TEXT,
        "license": st.dictionaries(st.sampled_from(["id", "name"]), TEXT),
    },
)
HASH = st.fixed_dictionaries({}, optional={"alg": TEXT, "content": TEXT})
COMPONENT = st.fixed_dictionaries(
    {},
    optional={
        "type": TEXT | VALUES,
        "name": TEXT | VALUES,
        "version": TEXT | VALUES,
        "purl": TEXT | VALUES,
        "licenses": st.lists(LICENCE | VALUES, max_size=3) | VALUES,
        "hashes": st.lists(HASH | VALUES, max_size=3) | VALUES,
        "components": VALUES | st.lists(st.fixed_dictionaries({"name": TEXT}), max_size=2),
    },
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(COMPONENT, max_size=4), VALUES)
def test_whatever_a_wheel_says_of_itself_the_bill_stays_valid(components, odd):
    """Other people's bills of materials are taken as far as they make sense."""
    texts = [json.dumps({"bomFormat": "CycloneDX", "components": components}), json.dumps(odd)]
    wheel = Wheel(name="w", version="1", sboms={f"sboms/{n}": t for n, t in enumerate(texts)})
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"type": "library", "name": "w", "components": parts(wheel, "pkg:pypi/w@1")}
        ],
    }

    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    digest.canonical(document)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "[" * 5000, '{"components": 1}', '{"bomFormat": "SPDX"}'),
        '{"bomFormat": "CycloneDX", "components": [3]}',
        '{"bomFormat": "CycloneDX", "components": [{"name": "\\ud800"}]}',
    ],
)
def test_a_bill_that_is_none_is_named_as_unreadable(text):
    """Nothing is taken from it."""
    wheel = Wheel(name="w", version="1", sboms={"sboms/x.cdx.json": text})

    assert parts(wheel, "pkg:pypi/w@1") == []
    assert unreadable(wheel) == [{"name": UNREADABLE, "value": "sboms/x.cdx.json"}]


def test_the_standards_own_library_reads_it(store, tmp_path):
    """Every component, with unique references that all lead somewhere."""
    document, _ = bill(store, tmp_path)

    read = Bom.from_json(document)

    assert {one.name for one in read.components} == {o["name"] for o in document["components"]}
    assert read.validate()
    references = []
    waiting = [document["metadata"]["component"], *document["components"]]
    while waiting:
        one = waiting.pop()
        references.append(one["bom-ref"])
        waiting += one.get("components", [])
    assert len(references) == len(set(references))
    stated = {ref for one in document["dependencies"] for ref in (one["ref"], *one["dependsOn"])}
    assert stated <= set(references)


def test_layers_are_read_once(store, tmp_path):
    """Lost or damaged notes cost time alone."""
    _, made = bill(store, tmp_path)
    notes = tmp_path / "notes"
    reader = Reader(store, notes)
    before = reader.contents(made.image.layers[1])
    blob = store.root / "blobs/sha256" / made.image.layers[1].descriptor.digest[7:]
    kept = blob.read_bytes()
    blob.unlink()
    assert reader.contents(made.image.layers[1]) == before
    blob.write_bytes(kept)
    for note in notes.iterdir():
        note.write_bytes(b"{")
    assert reader.contents(made.image.layers[1]) == before


def test_a_damaged_layer_is_refused_by_its_digest(store, tmp_path):
    """Cut off, or with a bit turned; the message says how to get it again."""
    made = making(store, tmp_path)
    layer = made.image.layers[0]
    blob = store.root / "blobs/sha256" / layer.descriptor.digest[7:]
    whole = blob.read_bytes()
    blob.chmod(0o644)
    for damaged in (whole[: len(whole) // 2], whole[:-3] + b"abc", b""):
        blob.write_bytes(damaged)
        with pytest.raises(IntegrityError) as caught:
            Reader(store, tmp_path / "none").contents(layer)
        assert caught.value.where == layer.descriptor.digest
        assert "layers" in caught.value.remedy


def test_a_layer_of_an_unknown_type_is_refused(store, tmp_path):
    """It cannot be read, and so nothing can be said of it."""
    made = making(store, tmp_path)
    layer = made.image.layers[0]
    odd = msgspec.structs.replace(layer.descriptor, media_type="a/tar+odd")
    assert layer.descriptor.media_type == LAYER_ZSTD
    with (
        store.open(layer.descriptor.digest) as blob,
        pytest.raises(PackageError, match=r"tar\+odd"),
    ):
        contents.take(blob, odd.media_type)


@pytest.mark.parametrize(
    ("metadata", "stated"),
    [
        ("License-Expression: MIT", [{"expression": "MIT"}]),
        ("License-Expression: no licence (", []),
        ("License: mit", [{"license": {"id": "MIT"}}]),
        ("License: MIT OR Apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("License: Our own", [{"license": {"name": "Our own"}}]),
        (f"License: {'long ' * 40}", []),
        ("License: a\n text", []),
        ("Classifier: License :: OSI Approved", []),
        ("Name: x", []),
    ],
)
def test_licences_of_wheels_are_taken_as_stated(metadata, stated):
    """In words of SPDX where they are."""
    assert licences.of_wheel(message_from_string(metadata)) == stated


@pytest.mark.parametrize("text", ["", "Format: x\n", "License: GPL-2\n", "\0\n\n", "Format"])
def test_a_copyright_file_in_no_known_form_states_nothing(text):
    """Prose is not guessed at."""
    assert licences.of_debian(text) == []


def test_an_image_without_any_package_has_a_bill_too(store, tmp_path):
    """Of its server and its model."""
    document, _ = bill(store, tmp_path, base={"etc/x": "y"}, runtime={"z": "y"})

    assert {one["name"] for one in document["components"]} == {"debian", "flights", "sealift"}
