"""The project file: what is right is read, and what is wrong is named with its remedy."""

import random
import string
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.errors import ProjectError
from sealift.record import schema
from sealift.record.parse import parse
from sealift.record.project import Project

VALID = """\
name = "flight-delays"

[data.flights]
uri = "data/flights.csv"

[image]
python = "3.13"
requirements = "requirements.txt"

[steps.prepare]
run = "python prepare.py"
code = ["prepare.py"]
reads = ["data.flights"]
writes = { features = "out/features.csv" }

[steps.train]
run = "python train.py --last {last_month}"
reads = ["prepare.features"]
writes = { model = "out/model", table = "out/table.csv", metrics = "out/metrics.json" }
params = { last_month = 3, seed = 0 }
env = { LOG_LEVEL = "info" }
cpus = 2
memory = "4GiB"
retries = 1
timeout = 600

[model]
from = "train.model"
task = "regression"
table = "train.table"
target = "delay"
ignore = ["id"]
require = { mae = "<= 30" }

[model.fields.hour]
minimum = 0
maximum = 23

[release]
strategy = "canary"
stages = [10, 50]

[release.guard]
errors = { margin = "1%" }
mae = { margin = "3%" }

[serve]
port = 8080
"""


def refusal(text):
    """The error that parsing ``text`` ends with."""
    with pytest.raises(ProjectError) as caught:
        parse(text, where="sealift.toml")
    return caught.value


def changed(old, new):
    """The valid file with one thing in it replaced."""
    assert VALID.count(old) >= 1
    return VALID.replace(old, new, 1)


def test_a_valid_file_becomes_a_project_with_defaults_filled_in():
    """What is written is there, and what is not written has its documented default."""
    project = parse(VALID, where="sealift.toml")

    assert project.model.origin == "train.model"
    assert project.steps["train"].params == {"last_month": 3, "seed": 0}
    assert project.steps["train"].memory_bytes == 4 * 2**30
    assert project.steps["prepare"].memory_bytes is None
    assert project.release.alpha == 0.05
    assert project.model.fields["hour"].maximum == 23


def test_a_name_alone_is_a_project():
    """Everything else has a default."""
    assert parse('name = "a"', where="sealift.toml").steps == {}


def test_a_byte_order_mark_is_no_mistake():
    """Editors that write one do no harm."""
    assert parse("\ufeff" + VALID, where="sealift.toml").name == "flight-delays"


# what to replace, by what; then the expected error: where, what and remedy hold these words
WRONG = [
    ('requirements = "r', 'requirments = "r', "image.requirments",
     "Unknown key 'requirments' in [image].", "Did you mean 'requirements'?"),
    ("name =", "nmae =", "nmae", "Unknown key 'nmae' at the top", "Did you mean 'name'?"),
    ("[serve]", "[srve]", "srve", "Unknown key 'srve'", "'serve'"),
    ('name = "f', 'python = "3.13"\nname = "f', "python", "Unknown key", "belongs in [image]"),
    ('name = "flight-delays"', "", "name", "'name' is missing", "name of the project"),
    ('task = "regression"\n', "", "model.task", "'task' is missing in [model]", "predicts"),
    ('"flight-delays"', '"Flight Delays"', "name", "'Flight Delays' does not fit", "lower-case"),
    ('python = "3.13"', "python = 3.13", "image.python", "3.13 is a number", '"3.13"'),
    ('python = "3.13"', 'python = "3.x"', "image.python", "'3.x' does not fit", "'3.13'"),
    ("cpus = 2", 'cpus = "2"', "steps.train.cpus", "'2' is a text, not a number", "a number"),
    ("cpus = 2", "cpus = 0", "steps.train.cpus", "0 is a whole number, not greater than", "0"),
    ("cpus = 2", "cpus = nan", "steps.train.cpus", "nan", "greater than 0"),
    ("cpus = 2", "cpus = inf", "steps.train.cpus", "inf", "finite"),
    ("retries = 1", "retries = 99", "steps.train.retries", "99", "20 or less"),
    ("retries = 1", "retries = true", "steps.train.retries", "true", "whole number"),
    ("retries = 1", "retries = 1.5", "steps.train.retries", "1.5 is a number", "whole number"),
    ('memory = "4GiB"', 'memory = "4 GB"', "steps.train.memory", "'4 GB'", "'4GiB'"),
    ("last_month = 3", "last_month = [3]", "steps.train.params.last_month", "list", "a number"),
    ("last_month = 3", "last_month = nan", "steps.train.params.last_month", "nan", "finite"),
    ("last_month = 3", "last_month = 2024-01-01", "params.last_month", "is a date", "text"),
    ("last_month = 3", f"last_month = {2**70}", "params.last_month", "64 bits", "Write"),
    ("last_month = 3", '"last month" = 3', 'params."last month"', "does not fit", "to_month"),
    ('reads = ["data.flights"]', 'reads = "data.flights"', "steps.prepare.reads", "list", "[ ]"),
    ('code = ["prepare.py"]', 'code = "prepare.py"', "steps.prepare.code", "list", "[ ]"),
    ('code = ["prepare.py"]', "code = [1]", "steps.prepare.code[0]", "1 is a whole number", '"1"'),
    ("data.flights\"]", "data.flihgts\"]", "steps.prepare.reads[0]", "no dataset", "data.flights"),
    ('["prepare.features"]', '["prepare.feature"]', "steps.train.reads[0]", "no output",
     "'prepare.features'"),
    ('["prepare.features"]', '["prepare.features", "prepare.features"]', "steps.train.reads[1]",
     "twice", "once"),
    ('from = "train.model"', 'from = "train.modl"', "model.from", "no output", "'train.model'"),
    ('from = "train.model"', 'from = "data.flights"', "model.from", "no output of a step", "Known"),
    ('table = "train.table"', 'table = "x"', "model.table", "no output of a step", "train.table"),
    ("{last_month}", "{last_mont}", "steps.train.run", "{last_mont}", "'last_month'"),
    ("{last_month}", "${HOME} {last_month}", "steps.train.run", "{HOME}", "double its braces"),
    ("{last_month}", "{last_month} {", "steps.train.run", "single '{'", "{{"),
    (" --last {last_month}", "", "params.last_month", "does not occur", "{last_month}"),
    ('"out/features.csv"', '"/out/features.csv"', "steps.prepare.writes.features", "inside", "out"),
    ('"out/features.csv"', '"../features.csv"', "steps.prepare.writes.features", "inside", "out"),
    ('"out/features.csv"', '"."', "steps.prepare.writes.features", "inside", "below"),
    ('"out/features.csv"', '".sealift/x"', "steps.prepare.writes.features", "own", "another"),
    ('"out/features.csv"', '"a\\u0000b"', "steps.prepare.writes.features", "NUL", "Remove"),
    ('"out/features.csv"', '""', "steps.prepare.writes.features", "fit", "not empty"),
    ('table = "out/table.csv"', 'table = "out/model/t.csv"', "steps.train.writes.table",
     "share a path", "none inside another"),
    ('model = "out/model"', 'model = "out/features.csv"', "steps.train.writes.model", "share",
     "path of its own"),
    ('uri = "data/flights.csv"', 'uri = "s3://lake/x"', "data.flights.uri", "s3://", "glob"),
    ('uri = "data/flights.csv"', 'uri = "../x.csv"', "data.flights.uri", "'..'", "absolute"),
    ('uri = "data/flights.csv"', "", "data.flights.uri", "'uri' is missing", "file, folder"),
    ("[data.flights]\n", "[data]\n", "data.uri", "'data/flights.csv' is a text", "uri"),
    ('"<= 30"', '"30"', "model.require.mae", "'30' does not fit", "'<= 30'"),
    ('"<= 30"', '"<= nan"', "model.require.mae", "'<= nan' does not fit", "'<= 30'"),
    ('metrics = "out/metrics.json"', 'm = "out/metrics.json"', "model.require", "no step",
     "metrics"),
    ('ignore = ["id"]', 'ignore = ["delay"]', "model.ignore", "target", "Remove"),
    ("minimum = 0", "minimum = 99", "model.fields.hour", "above", "Swap"),
    ("fields.hour", "fields.delay", "model.fields.delay", "target", "Remove"),
    ("[10, 50]", "[50, 10]", "release.stages", "do not grow", "rising"),
    ("[10, 50]", "[10, 100]", "release.stages[1]", "100", "99 or less"),
    ('"canary"', '"cannary"', "release.strategy", "one of blue-green, canary", "'canary'"),
    ("mae = { margin", "maee = { margin", "release.guard.maee", "'maee' is not one of", "'mae'"),
    ("mae = { margin", "error_rate = { margin", "release.guard.error_rate", "task", "'mae'"),
    ('margin = "3%"', 'margin = "3"', "release.guard.mae.margin", "'3' does not fit", "'2%'"),
    ('"out/features.csv"', '"data"', "steps.prepare.reads[0]", "would hold the dataset", "'out'"),
    ("steps.prepare]", "steps.data]", "steps", "data", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "what", "remedy"), WRONG)
def test_each_mistake_is_told_with_its_key_and_its_remedy(old, new, where, what, remedy):
    """The error names the file and the key path, what was found, and what to write instead."""
    error = refusal(changed(old, new))

    assert error.where.startswith("sealift.toml: ")
    assert where in error.where
    assert what in error.what
    assert remedy in error.remedy
    assert error.remedy


def test_broken_toml_is_told_with_line_and_column():
    """The place is where the parser stopped, and the remedy shows the line."""
    error = refusal('name = "a"\n\n[steps\nrun = 1\n')

    assert error.where == "sealift.toml: line 3, column 7"
    assert error.remedy == "Mend line 3: [steps"


def test_an_unfinished_file_is_told_as_such():
    """At the end of the document there is no line to point at."""
    assert "end of document" in refusal('name = "a').where


def test_an_unknown_key_is_told_before_the_missing_one_that_it_was_meant_to_be():
    """One slip of the finger makes two faults; the cause is named."""
    assert refusal('nmae = "a"').what == "Unknown key 'nmae' at the top of the file."


def test_a_circle_of_steps_is_named_step_by_step():
    """Every step of the circle is there, and it closes."""
    steps = {"a": "c", "b": "a", "c": "b"}
    body = "".join(
        f'[steps.{name}]\nrun = "true"\nreads = ["{before}.x"]\nwrites = {{ x = "{name}" }}\n'
        for name, before in steps.items()
    )

    error = refusal('name = "n"\n' + body)

    circle = error.what.removesuffix(".").rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert set(circle) == {"a", "b", "c"}
    assert all(steps[after] == before for before, after in pairwise(circle))


def test_a_step_that_reads_its_own_output_is_a_circle():
    """The shortest circle has one step."""
    text = 'name = "n"\n[steps.a]\nrun = "true"\nreads = ["a.x"]\nwrites = { x = "x" }'
    error = refusal(text)

    assert "a -> a" in error.what or "share a path" in error.what


def test_two_inputs_at_the_same_path_are_refused_where_they_meet():
    """Different steps may write the same path; one step cannot read both."""
    writers = "".join(
        f'[steps.{name}]\nrun = "true"\nwrites = {{ x = "out" }}\n' for name in ("a", "b")
    )

    assert parse('name = "n"\n' + writers, where="f").steps
    error = refusal(f'name = "n"\n{writers}[steps.c]\nrun = "true"\nreads = ["a.x", "b.x"]')
    assert "share a path" in error.what
    assert error.where == "sealift.toml: steps.c"


def test_absurdly_deep_or_long_values_are_refused():
    """Limits of the reader itself end in the same clear kind of error."""
    assert "cannot be" not in refusal("a = " + "[" * 5000).what
    assert refusal("a = " + "9" * 5000).remedy


def mutations(seed):
    """The valid file after a few random edits: characters, lines and words."""
    source = random.Random(seed)
    text = VALID
    for _ in range(source.randint(1, 4)):
        kind, at = source.randrange(5), source.randrange(len(text) or 1)
        lines = text.split("\n")
        row = source.randrange(len(lines))
        if kind == 0:
            text = text[:at] + source.choice(string.printable + "é\0\u2028") + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + source.randint(1, 6) :]
        elif kind == 2:
            text = "\n".join(lines[:row] + lines[row + 1 :])
        elif kind == 3:
            text = "\n".join([*lines[:row], source.choice(lines), *lines[row:]])
        else:
            values = ("true", "-1", "1e999", "[]", "{}", "''", "nan", "1979-05-27", "[[1], {a=1}]")
            key = lines[row].partition("=")[0]
            text = "\n".join([*lines[:row], f"{key}= {source.choice(values)}", *lines[row + 1 :]])
    return text


@pytest.mark.parametrize("block", range(8))
def test_a_damaged_file_is_read_or_refused_but_never_breaks_the_reader(block):
    """After random edits the outcome is a project or a ProjectError with a remedy."""
    for seed in range(block * 250, (block + 1) * 250):
        outcome = read(mutations(seed))
        if isinstance(outcome, ProjectError):
            assert outcome.what
            assert outcome.where.startswith("sealift.toml"), seed
            assert outcome.remedy, seed


def read(text):
    """The project, or the error that says why there is none."""
    try:
        return parse(text, where="sealift.toml")
    except ProjectError as error:
        return error


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "uri", "a", "margin", "run"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["name", "data", "image", "steps", "model", "release", "serve"]), JSON)
def test_any_value_under_any_key_is_read_or_refused(key, value):
    """Values of every shape, under the right keys."""
    toml = f"{key} = {as_toml(value)}\n" + ('name = "n"\n' if key != "name" else "")

    outcome = read(toml)

    assert isinstance(outcome, Project) or outcome.remedy


def as_toml(value):
    """A JSON value written as TOML; null becomes a text."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {as_toml(one)}" for key, one in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return msgspec.json.encode(str(value)).decode().replace("\x7f", "\\u007f")


def test_the_schema_file_of_the_package_is_fresh():
    """Made anew by: python -c 'from sealift.record import schema; print(schema.text(), end="")'."""
    path = Path(schema.__file__).parent.parent / "schema.json"

    assert path.read_text() == schema.text()


def test_the_schema_describes_every_key_for_editors():
    """Each key of each section has a description, and unknown keys are marked."""
    for section in schema.schema()["$defs"].values():
        assert section["additionalProperties"] is False
        for key, value in section["properties"].items():
            assert value.get("description"), key
