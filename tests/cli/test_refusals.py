"""What the command line says when something is not as it has to be, before any image is built."""

import pytest


@pytest.mark.parametrize("verb", ["data", "train", "check", "up", "status", "runs", "down"])
def test_a_folder_without_a_project_is_said_with_what_to_do(empty, verb):
    """The same three lines whatever the command, exit code 3, and nothing is written."""
    said = empty(verb, "--json")
    assert (said.code, said.answer) == (3, "")
    assert said.talk.splitlines()[0] == (
        "error: There is no sealift.toml in this folder or above it."
    )
    assert f"at: {empty.folder}" in said.talk
    assert "next: Run `sealift init`" in said.talk
    assert list(empty.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('nmae = "tiny"\n', "Unknown key 'nmae'", "sealift.toml: nmae"),
        ("name = 3\n", "not a text", "sealift.toml: name"),
        ('name = "tiny\n', "This is not TOML", "sealift.toml: line 1"),
        ("", "The key 'name' is missing", "sealift.toml: name"),
    ],
)
def test_a_broken_project_file_is_said_with_its_place(tiny, text, what, where):
    """Exit code 3; the key or the line is named."""
    tiny.write(text)
    said = tiny("train")
    assert said.code == 3
    assert what in said.talk
    assert f"at: {where}" in said.talk
    assert "next: " in said.talk


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("package",), 10, "There is no model yet: sealift.toml has no [model]."),
        (("check", "--model", "3"), 10, "There is no model '3'"),
        (("release",), 4, "The controller is not running."),
        (("promote",), 2, "No release is in progress."),
        (("rollback",), 2, "No release is in progress."),
        (("runs", "show", "5a54da"), 10, "There is no run '5a54da'"),
        (("runs", "output", "x", "train.model", "--to", "there"), 10, "There is no run 'x'"),
        (("watch", "--labels", "nowhere.csv"), 5, "The labels cannot be read"),
        (("watch", "--since", "nan"), 2, "--since"),
        (("train", "--param", "dept=3"), 2, "No step has a parameter 'dept'."),
        (("train", "--param", "depth=deep"), 2, "cannot be 'deep'"),
        (("train", "--param", "depth"), 2, "'depth' is not a parameter."),
        (("trian",), 2, "Did you mean 'train'?"),
    ],
)
def test_a_command_before_its_turn_says_what_is_missing(tiny, words, code, what):
    """With the exit code of its kind, and nothing on standard output."""
    said = tiny(*words)
    assert (said.code, said.answer) == (code, "")
    assert what in said.talk


def test_data_that_is_not_there_is_said_before_an_image_is_built(tiny):
    """No package source is asked, and no lock is written."""
    (tiny.folder / "data" / "march.csv").unlink()
    said = tiny("train")
    assert said.code == 5
    assert "No file matches 'data/*.csv'" in said.talk
    assert not (tiny.folder / "sealift.lock").exists()
    assert not (tiny.folder / ".sealift" / "layout").exists()


def test_what_the_machine_refuses_is_an_error_like_any_other(tiny):
    """Even where no stage has foreseen it: the state's folder is a file here."""
    (tiny.folder / ".sealift").write_text("")
    said = tiny("runs")
    assert said.code == 4
    assert said.talk.startswith("error: ")
    assert "at: " in said.talk


def test_a_project_file_that_is_no_text_is_named(tiny):
    """It is the file that is wrong: exit code 3."""
    (tiny.folder / "sealift.toml").write_bytes(b"\xff\xfe")
    said = tiny("status")
    assert said.code == 3
    assert "not UTF-8" in said.talk
    assert "next: " in said.talk


def test_training_is_not_advised_where_it_makes_no_model(tiny):
    """What is missing is said: the table that names an output as the model."""
    said = tiny("package")
    assert "at: sealift.toml" in said.talk
    assert "next: Add [model] with from, task, table and target" in said.talk
    listed = tiny("models")
    assert "no model yet; next: add [model] to sealift.toml" in listed.talk + listed.answer
    tiny.write(
        (tiny.folder / "sealift.toml").read_text()
        + '[model]\nfrom = "train.model"\ntable = "train.model"\n'
        + 'task = "regression"\ntarget = "delay"\n'
    )
    assert "next: Run `sealift train`." in tiny("package").talk
    assert "next: sealift train" in tiny("models").answer
