"""The code of a project: what counts, what git says, and what is never taken."""

import os

import pytest

from sealift import process
from sealift.errors import ProjectError
from sealift.train.code import look, select


def git(folder, *words):
    """Run git in a folder, as nobody in particular."""
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
    env = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    done = process.run(
        ["git", *who, *words], cwd=folder, env=env | {"GIT_CONFIG_GLOBAL": os.devnull}
    )
    assert done.status == 0, done.stderr
    return done.text


def put(root, *names):
    """Files with some content."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit, a change on top, and files that git ignores or does not know."""
    put(tmp_path, "train.py", "lib/a.py", "gone.py")
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    put(tmp_path, "new.py", "x.log", "build/x.py", ".sealift/ledger.db")
    (tmp_path / "train.py").write_text("changed")
    (tmp_path / "gone.py").unlink()
    return tmp_path


def test_in_a_repository_code_is_what_git_tracks_or_would_not_ignore(repository):
    """As the files are now, with commit, branch and the difference on top."""
    state = look(repository)

    assert state.files == (".gitignore", "lib/a.py", "new.py", "train.py")
    assert state.commit == git(repository, "rev-parse", "HEAD")
    assert state.branch == "main"
    assert state.untracked == ("new.py",)
    assert "+changed" in state.diff
    assert "gone.py" in state.diff
    assert state.note == ""


def test_a_project_in_a_larger_repository_has_its_own_folder_only(repository):
    """Paths are relative to the project, in the difference too."""
    put(repository, "lib/b.py")
    (repository / "lib" / "a.py").write_text("changed too")
    state = look(repository / "lib")

    assert state.files == ("a.py", "b.py")
    assert state.untracked == ("b.py",)
    assert "a/a.py" in state.diff
    assert "train.py" not in state.diff
    assert state.commit


def test_variables_of_a_hook_do_not_mislead(repository, tmp_path_factory, monkeypatch):
    """git sets GIT_DIR for its hooks; a run started from one sees its own folder."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))

    assert look(repository).commit


def test_a_program_named_by_the_repository_is_not_started(repository):
    """A difference is made by git itself."""
    marker = repository.parent / f"{repository.name}-marker"
    git(repository, "config", "diff.external", f"touch {marker}")
    git(repository, "config", "core.fsmonitor", f"touch {marker}")
    look(repository)

    assert not marker.exists()


def test_without_a_repository_everything_counts_but_caches(tmp_path):
    """Hidden folders, virtual environments and compiled files are no code."""
    put(tmp_path, "train.py", "lib/a.py", ".flake8", ".cache/x", "lib/__pycache__/a.pyc")
    put(tmp_path, "env/pyvenv.cfg", "env/lib/x.py", "node_modules/x.js", ".sealift/x")
    state = look(tmp_path)

    assert state.files == (".flake8", "lib/a.py", "train.py")
    assert (state.commit, state.note) == ("", "")


def test_without_git_everything_counts_and_that_is_said(repository, monkeypatch, tmp_path_factory):
    """The files are still known; commit and branch are not."""
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    state = look(repository)

    assert "new.py" in state.files
    assert "x.log" in state.files
    assert state.commit == ""
    assert state.note == "git is not on this machine: every file counts as code."


def test_a_repository_without_a_commit_has_code_all_the_same(tmp_path):
    """There is nothing to compare with yet."""
    git(tmp_path, "init")
    put(tmp_path, "train.py")
    state = look(tmp_path)

    assert state.files == ("train.py",)
    assert (state.commit, state.diff, state.branch) == ("", "", "")


def test_a_damaged_repository_is_told_and_passed_over(repository):
    """git's own words are kept."""
    (repository / ".git" / "HEAD").write_text("rubbish")
    (repository / ".git" / "index").write_text("rubbish")
    state = look(repository)

    assert "train.py" in state.files
    assert state.commit == ""


def test_files_that_may_hold_secrets_are_never_taken(repository):
    """Neither the files nor their part of the difference."""
    put(repository, ".env", "conf/server.key", ".env.example")
    git(repository, "add", "-f", ".env")
    git(repository, "commit", "-m", "oops")
    (repository / ".env").write_text("TOKEN=hush")
    state = look(repository)

    assert state.left_out == (".env", "conf/server.key")
    assert ".env.example" in state.files
    assert "hush" not in state.diff
    assert "+changed" in state.diff


def test_data_and_outputs_are_no_code(repository):
    """What is given as such is left out, with all below it."""
    put(repository, "data/x.csv", "out/model/w", "outlook.py")

    assert "outlook.py" in look(repository, but={"data/x.csv", "out"}).files
    assert not [
        f for f in look(repository, but={"data", "out"}).files if f.startswith(("data", "out/"))
    ]


def test_a_step_sees_the_files_and_folders_that_it_names(repository):
    """By default all but the project file and the lock."""
    put(repository, "sealift.toml", "sealift.lock")
    state = look(repository)

    assert select(state, ["lib/", "./train.py"], where="k") == ("lib/a.py", "train.py")
    assert select(state, ["."], where="k") == state.files
    assert select(state, [], where="k") == ()
    assert "sealift.toml" in state.files
    assert set(state.files) - set(select(state, None, where="k")) == {
        "sealift.toml",
        "sealift.lock",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trian.py", "Did you mean 'train.py'?"),
        ("libs", "'lib'"),
        ("x.log", "Known"),
        (".env", "Remove"),
    ],
)
def test_code_that_is_not_there_is_told_with_the_nearest(repository, name, words):
    """An ignored file and a secret are told as such."""
    put(repository, ".env")
    with pytest.raises(ProjectError) as caught:
        select(look(repository), ["lib", name], where="steps.a.code")

    assert caught.value.where == "steps.a.code[1]"
    assert words in caught.value.remedy


def test_names_with_spaces_quotes_and_accents_are_taken(repository):
    """git quotes such names only for people."""
    names = ["a b.py", "c'd.py", 'e"f.py', "\u00e9.py", ":(top)x.py"]
    put(repository, *names)
    git(repository, "add", "--", "a b.py", "\u00e9.py")
    git(repository, "commit", "-m", "odd")
    (repository / "\u00e9.py").write_text("altered")
    state = look(repository)

    assert set(names) <= set(state.files)
    assert "altered" in state.diff


def test_a_name_that_cannot_be_written_down_is_refused(tmp_path):
    """It is shown with its odd characters spelt out."""
    (tmp_path / "a\nb.py").write_text("x")

    with pytest.raises(ProjectError, match=r"a\\nb\.py"):
        look(tmp_path)
