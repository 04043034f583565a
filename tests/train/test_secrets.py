"""Secrets of steps: given to the command, and kept nowhere."""

import pytest
from train_project import Small, one

from sealift.errors import StepError
from sealift.train import secret

VALUE = "s3cr3t-of-the-house"
STEP = """\
name = "small"

[steps.fetch]
run = "RUN"
code = []
writes = { page = "out/page" }
secrets = { TOKEN = "SOURCE" }
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A project with one step that gets a secret."""
    monkeypatch.setenv("HOUSE_TOKEN", VALUE)
    made = Small(tmp_path / "p")
    made.text = STEP.replace("SOURCE", "env:HOUSE_TOKEN")
    return made


def test_a_secret_reaches_the_command_and_nothing_that_is_kept(small):
    """Neither the log, the database nor the store holds it afterwards."""
    small.change("RUN", "echo got $TOKEN; printf %s $TOKEN | wc -c > out/page")
    run = small.run()

    assert int(small.output(run, "fetch.page").read_text()) == len(VALUE)
    assert (small.root / one(run, "fetch").log).read_text() == "got ***\n"
    kept = [path for path in (small.root / ".sealift").rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert [path for path in kept if VALUE.encode() in path.read_bytes()] == []


def test_a_file_is_read_without_its_line_end(small):
    """As editors and shells leave one there."""
    (small.root / "token").write_text(f"{VALUE}\r\n")
    small.change("env:HOUSE_TOKEN", "file:token")
    small.change("RUN", "printf %s $TOKEN | wc -c > out/page")

    assert int(small.output(small.run(), "fetch.page").read_text()) == len(VALUE)


def test_an_output_with_a_secret_in_it_is_refused(small):
    """Also where the command failed to notice: the store is shared."""
    small.change("RUN", "echo $TOKEN > out/page")

    with pytest.raises(StepError, match="wrote a secret to its output 'page'"):
        small.run()


def test_the_words_of_a_failed_step_do_not_tell_it(small):
    """The error has the log's last lines, after the secret was taken out of them."""
    small.change("RUN", "echo no entry with $TOKEN; exit 3")

    with pytest.raises(StepError) as caught:
        small.run()
    assert "no entry with ***" in caught.value.what
    assert VALUE not in str(caught.value)


def test_a_new_value_does_not_run_the_step_again(small, monkeypatch):
    """What was made with the old token is still what it was."""
    small.change("RUN", "echo same > out/page")
    small.run()
    monkeypatch.setenv("HOUSE_TOKEN", "another-one")

    assert one(small.run(), "fetch").cached


def test_a_secret_that_is_not_there_is_named(small, monkeypatch):
    """By its variable, or its file."""
    small.change("RUN", "true")
    monkeypatch.delenv("HOUSE_TOKEN")
    with pytest.raises(StepError, match="HOUSE_TOKEN is not set"):
        small.run()
    small.change("env:HOUSE_TOKEN", "file:nowhere/token")
    with pytest.raises(StepError, match="nowhere/token: No such file"):
        small.run()


def test_a_secret_is_found_across_the_pieces_of_a_large_file(tmp_path):
    """Files are read in pieces."""
    file = tmp_path / "large"
    file.write_bytes(b"x" * ((1 << 20) - 7) + VALUE.encode() + b"y" * 100)

    with pytest.raises(StepError):
        secret.refuse({"large": file}, [VALUE], step="fetch")
