"""``sealift compile``: from the project file and the ledger to manifests."""

import kubernetes_validate
import pytest
import yaml
from sealift_project import PROJECT, recorded

from sealift.chapters import compiling
from sealift.cli import manifests as command
from sealift.errors import NotFoundError, UsageError


def test_a_version_is_compiled_from_the_project_file(tmp_path):
    """With the image that was packaged, from the registry of the environment."""
    wired = recorded(tmp_path, PROJECT)
    objects = compiling.manifests(wired, "", None)
    kinds = [one["kind"] for one in objects]
    container = objects[0]["spec"]["template"]["spec"]["containers"][0]

    assert kinds == ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "HTTPRoute"]
    assert container["image"] == f"registry.example.com/team/delays@{wired.image}"
    for one in objects[:-1]:
        kubernetes_validate.validate(one, "1.36", strict=True)


def test_an_environment_that_is_not_there_is_named(tmp_path):
    """With those that are, or how to write one."""
    wired = recorded(tmp_path, PROJECT)
    with pytest.raises(NotFoundError, match="no environment 'staging'"):
        compiling.manifests(wired, "staging", None)


def test_one_of_several_environments_must_be_named(tmp_path):
    """No default is guessed where it would matter."""
    wired = recorded(tmp_path, PROJECT + '[environments.staging]\nengine = "kubernetes"\n')
    with pytest.raises(UsageError, match="several environments") as caught:
        compiling.manifests(wired, "", None)
    assert "production, staging" in caught.value.remedy


def test_without_a_registry_nothing_is_compiled(tmp_path):
    """A cluster could not pull the image."""
    text = "\n".join(line for line in PROJECT.splitlines() if not line.startswith("registry"))
    with pytest.raises(UsageError, match="No registry is named"):
        compiling.manifests(recorded(tmp_path, text), "", None)


def test_the_command_prints_one_stream_and_writes_files(tmp_path, capsys):
    """What it prints is what it writes; --diff writes nothing."""
    recorded(tmp_path, PROJECT)
    command.compile_(where=tmp_path)
    stream = list(yaml.safe_load_all(capsys.readouterr().out))

    folder = tmp_path / "deploy"
    command.compile_(where=tmp_path, out=folder, diff=True)
    assert "+kind: Deployment" in capsys.readouterr().out
    assert not folder.exists()

    command.compile_(where=tmp_path, out=folder)
    written = [yaml.safe_load(path.read_text()) for path in sorted(folder.iterdir())]
    assert sorted(written, key=str) == sorted(stream, key=str)

    capsys.readouterr()
    command.compile_(where=tmp_path, out=folder, diff=True)
    assert capsys.readouterr().out == "Nothing would change.\n"
