"""`sealift init --ci github`: a workflow of the commands that run anywhere."""

import json
import re
from importlib import metadata

import pytest
import yaml
from jsonschema import validators

from sealift.cli.ci import PLACES
from sealift.cli.commands import COMMANDS, load

PLACE = PLACES["github"]


@pytest.fixture
def written(empty):
    """The workflow, and the folder that it is in."""
    assert empty("init", "--ci", "github").code == 0
    return empty, (empty.folder / PLACE).read_text()


def test_it_comes_with_a_new_project_and_is_not_overwritten(written):
    """Like every other file of it."""
    command, text = written
    again = command("init", "--ci", "github")

    assert (command.folder / "sealift.toml").exists()
    assert again.code == 2
    assert "would be overwritten" in again.talk
    assert (command.folder / PLACE).read_text() == text


def test_beside_a_project_it_alone_is_written(tiny):
    """Nothing of the project is touched."""
    before = (tiny.folder / "sealift.toml").read_text()
    said = tiny("init", "--ci", "github", "--json")

    assert said.value["files"] == [PLACE]
    assert (tiny.folder / "sealift.toml").read_text() == before


def test_it_runs_every_stage_with_commands_and_options_that_there_are(written):
    """Lint, test, train, package, check, push, in this order."""
    workflow = yaml.safe_load(written[1])
    (job,) = workflow["jobs"].values()
    script = "\n".join(step.get("run", "") for step in job["steps"])
    words = re.findall(
        r"^(?:sealift )?(ruff check|pytest|train|package|check)\b",
        script.replace("sealift ", ""),
        flags=re.MULTILINE,
    )

    assert words == ["ruff check", "pytest", "train", "package", "check", "package"]
    for line in re.findall(r"^sealift .*$", script, flags=re.MULTILINE):
        _, verb, *rest = line.split()
        assert verb in COMMANDS
        known = {name for one in load(verb).params for name in one.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


def test_it_gives_no_more_rights_than_it_needs_and_no_input_to_a_shell(written):
    """What others write, such as titles, is never put into a script."""
    workflow = yaml.safe_load(written[1])
    (job,) = workflow["jobs"].values()

    assert workflow["permissions"] == {"contents": "read", "packages": "write"}
    assert job["timeout-minutes"]
    assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_it_is_a_workflow_by_the_published_schema(written):
    """That of SchemaStore, as check-jsonschema brings it; and a step that does nothing is none."""
    (place,) = [
        one
        for one in metadata.files("check-jsonschema")
        if one.match("builtin_schemas/vendor/github-workflows.json")
    ]
    schema = json.loads(place.locate().read_bytes())
    # YAML 1.1 reads the key "on" as a truth
    workflow = {
        "on" if name is True else name: it for name, it in yaml.safe_load(written[1]).items()
    }
    validator = validators.validator_for(schema)(schema)

    assert [error.message for error in validator.iter_errors(workflow)] == []
    (job,) = workflow["jobs"].values()
    job["steps"].append({"name": "nothing"})
    assert [*validator.iter_errors(workflow)]
