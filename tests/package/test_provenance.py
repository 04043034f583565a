"""Provenance tells from which run, code, data and packages an image came."""

import msgspec
import pytest
from evidence_world import LOCK, making, run

from sealift import digest
from sealift.adapters.stores.layout import Layout
from sealift.package import provenance
from sealift.package.making import project_file


@pytest.fixture
def made(tmp_path):
    """How an image came about."""
    return making(Layout(tmp_path / "layout", tmp_path / "unpacked"), tmp_path)


def named(predicate):
    """What went in, by name or package URL."""
    found = predicate["buildDefinition"]["resolvedDependencies"]
    return {one.get("name") or one["uri"]: one.get("digest") for one in found}


def sha256(text):
    """A digest as in-toto writes it."""
    return {"sha256": digest.of_bytes(text)[7:]}


def test_it_names_what_was_asked_for(made):
    """The project file, the model and the parameters of the steps."""
    definition = provenance.predicate(made)["buildDefinition"]

    assert definition["buildType"] == "urn:sealift:build:v1"
    assert definition["externalParameters"] == {
        "project": {"name": "flights", "digest": sha256(b"inputs")},
        "platform": "linux/amd64",
        "model": {"name": "flights", "version": 1},
        "params": {"train": {"depth": 6}},
    }
    assert definition["internalParameters"] == {"seeds": {"PYTHONHASHSEED": "0"}}


def test_it_names_all_that_went_in_by_digest(made):
    """Code, commit, the diff on top, data, lock, packages, layers."""
    found = named(provenance.predicate(made))

    assert found["code"] == sha256(b"code")
    assert found["commit"] == {"gitCommit": "f" * 40}
    assert found["diff"] == sha256(b"-a\n+b\n")
    assert found["data/flights"] == sha256(b"data")
    assert found["step image"] == sha256(b"step image")
    assert found["model"] == {"sha256": made.model.digest[7:]}
    assert found["sealift.lock"] == {"sha256": LOCK.digest[7:]}
    libc = "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64&distro=trixie"
    assert found[libc] == sha256(b"libc6")
    assert found["pkg:pypi/forest@1.0"] == {"sha256": "d" * 64}
    assert found["pkg:pypi/click@8.0"] is None
    for layer in made.image.layers[:3]:
        assert found[f"layer/{layer.role}"] == {"sha256": layer.descriptor.digest[7:]}
    assert not any("dash" in name or "pandas" in name for name in found)


def test_it_names_builder_and_invocation(made):
    """The run is the invocation; its times are those of the run."""
    details = provenance.predicate(made)["runDetails"]

    assert details["builder"]["id"] == "urn:sealift:builder:v1"
    assert set(details["builder"]["version"]) == {"sealift"}
    assert details["metadata"] == {
        "invocationId": "20260101-000000-abcdef",
        "startedOn": "2025-10-09T08:53:20.000Z",
        "finishedOn": "2025-10-09T08:54:20.500Z",
    }


def test_code_without_git_has_the_digest_of_its_files(made):
    """No commit and no diff are made up; another lock of the run is named."""
    code = msgspec.structs.replace(made.run.code, commit="", diff="")
    plain = run(code=code, lock=digest.of_bytes(b"older"), finished=None)
    changed = msgspec.structs.replace(made, run=plain, project_file=None)
    found = named(provenance.predicate(changed))

    assert "code" in found
    assert not {"commit", "diff"} & set(found)
    assert found["sealift.lock of the run"] == sha256(b"older")


def test_the_project_file_is_the_one_that_the_run_read(tmp_path):
    """From the code that was kept; None where that is gone or had none."""
    store = Layout(tmp_path / "layout", tmp_path / "unpacked")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("x")
    without = store.put_tree(tmp_path / "code")
    (tmp_path / "code" / "sealift.toml").write_text("name = 'n'")
    kept = store.put_tree(tmp_path / "code")
    of = {
        address: run(code=msgspec.structs.replace(run().code, digest=address))
        for address in (without, kept)
    }

    assert project_file(of[kept], store, "sealift.toml") == digest.of_bytes(b"name = 'n'")
    assert project_file(of[without], store, "sealift.toml") is None
    assert project_file(run(), store, "sealift.toml") is None
