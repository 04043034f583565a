"""The code of a project: which files it is, and what git knows of them."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sealift import process
from sealift.errors import MachineError, ProjectError
from sealift.process import Finished
from sealift.record.project import Project
from sealift.record.shape import nearest

SECRETS = (
    *(".env", ".env.*", ".netrc", ".pypirc", ".pgpass", ".npmrc", ".git-credentials"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa*", "id_dsa*", "id_ecdsa*"),
    *("id_ed25519*", "credentials.json", "secrets.*"),
)
"""Names of files that may hold secrets; they are never taken."""

HARMLESS = (".env.example", ".env.sample", ".env.template", "*.pub")
FOLDERS = ("__pycache__", "node_modules")
OWN = ("sealift.toml", "sealift.lock")
HERE = (".", ":(exclude).sealift")
"""For git: this folder, without what Sealift keeps there, which may be very much."""
DIFF_LIMIT = 1 << 20


@dataclass(frozen=True)
class State:
    """The files that are code, by path relative to the project, and git's view of them.

    ``left_out`` may hold secrets. ``note`` says what a person should know of how the list came
    about.
    """

    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    commit: str = ""
    branch: str = ""
    diff: str = ""
    untracked: tuple[str, ...] = ()
    note: str = ""


def look(root: Path, *, but: Iterable[str] = ()) -> State:
    """The code of the project at ``root``, without the paths in ``but`` and what lies below them.

    In a git repository these are the files that git tracks or would not ignore; elsewhere all,
    without hidden folders, virtual environments and caches. A project within a larger repository
    has only its own folder.
    """
    note, listed = _git_files(root)
    names = sorted(set(listed) if listed is not None else set(_all_files(root)))
    away = {".sealift", *but}
    taken = [name for name in names if not _below(name, away)]
    if unwritable := [name for name in taken if not name.isprintable()]:
        raise ProjectError(
            f"A file's name holds what cannot be written down: {unwritable[0]!r}.",
            where=str(root),
            remedy="Rename it.",
        )
    secret = tuple(name for name in taken if is_secret(name))
    state = State(
        files=tuple(name for name in taken if name not in set(secret)), left_out=secret, note=note
    )
    return state if listed is None else _with_git(root, state)


def is_secret(name: str) -> bool:
    """Whether a file of this name may hold secrets.

    >>> [is_secret(name) for name in ("conf/.env", ".env.example", "server.key", "train.py")]
    [True, False, True, False]
    """
    word = PurePosixPath(name).name.lower()
    if any(fnmatch.fnmatchcase(word, pattern) for pattern in HARMLESS):
        return False
    return any(fnmatch.fnmatchcase(word, pattern) for pattern in SECRETS)


def own(project: Project) -> set[str]:
    """The files that say what the steps are; no step sees them unless it names them."""
    return {*OWN, *(PurePosixPath(one.file).as_posix() for one in project.pipelines.values())}


def select(
    state: State, wanted: Sequence[str] | None, *, where: str, own: Collection[str] = OWN
) -> tuple[str, ...]:
    """The files that a step sees: those it names, or all but the project's ``own``.

    Raises ``ProjectError`` for a name that is no file or folder of the code; ``where`` is its key.
    """
    if wanted is None:
        return tuple(name for name in state.files if name not in own)
    chosen: set[str] = set()
    for number, entry in enumerate(wanted):
        path = PurePosixPath(entry).as_posix()
        found = state.files if path == "." else [n for n in state.files if _below(n, {path})]
        if not found:
            raise _no_code(state, entry, f"{where}[{number}]")
        chosen.update(found)
    return tuple(sorted(chosen))


def _no_code(state: State, entry: str, where: str) -> ProjectError:
    if any(_below(name, {entry}) for name in state.left_out):
        return ProjectError(
            f"{entry!r} may hold secrets and is never given to a step.",
            where=where,
            remedy="Remove it from the list; give a step settings by its params.",
        )
    folders = {str(path) for name in state.files for path in PurePosixPath(name).parents}
    return ProjectError(
        f"There is no code called {entry!r}, or git ignores it.",
        where=where,
        remedy=nearest(entry, {*state.files, *folders} - {"."}),
    )


def _below(name: str, tops: Collection[str]) -> bool:
    path = PurePosixPath(name)
    return any(str(one) in tops for one in (path, *path.parents))


def _all_files(root: Path, folder: Path | None = None) -> Iterator[str]:
    for entry in sorted((folder or root).iterdir()):
        if entry.is_symlink() or entry.is_file():
            yield entry.relative_to(root).as_posix()
        elif entry.is_dir() and not _is_cache(entry):
            yield from _all_files(root, entry)


def _is_cache(folder: Path) -> bool:
    hidden = folder.name.startswith(".")
    return hidden or folder.name in FOLDERS or (folder / "pyvenv.cfg").exists()


def _git(root: Path, *words: str) -> Finished:
    """git, deaf to the variables of a hook that may have started us, and to programs it names."""
    safe = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]
    env = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_OPTIONAL_LOCKS"] = "0"
    return process.run(["git", *safe, *words], cwd=root, env=env)


def _git_files(root: Path) -> tuple[str, list[str] | None]:
    """The files that git knows or does not ignore; None where it does not know the folder."""
    try:
        found = _git(root, "ls-files", "-z", "-co", "--exclude-standard", "--", *HERE)
    except MachineError:
        return "git is not on this machine: every file counts as code.", None
    if found.status != 0:
        said = found.stderr.decode(errors="replace").strip().splitlines()
        outside = any("not a git repository" in line for line in said)
        why = said[0].removeprefix("fatal: ") if said else f"exit status {found.status}"
        return ("" if outside else f"git does not list the code: {why}"), None
    names = [os.fsdecode(name) for name in found.stdout.split(b"\0") if name]
    return "", [inner for name in names for inner in _present(root, name)]


def _present(root: Path, name: str) -> Iterator[str]:
    """A listed path that is still there; of a repository within this one, its files."""
    path = root / name
    if path.is_symlink() or path.is_file():
        yield name
    elif path.is_dir():
        yield from _all_files(root, path)


def _with_git(root: Path, state: State) -> State:
    def ask(*words: str) -> str:
        done = _git(root, *words)
        return done.text if done.status == 0 else ""

    def lines(*words: str) -> list[str]:
        return [name for name in ask(*words, "-z", "--", *HERE).split("\0") if name]

    commit = ask("rev-parse", "--verify", "--quiet", "HEAD")
    untracked = set(lines("ls-files", "-o", "--exclude-standard"))
    changed = [
        name for name in lines("diff", "--name-only", "--relative", "HEAD") if not is_secret(name)
    ]
    return State(
        files=state.files,
        left_out=state.left_out,
        commit=commit,
        branch=ask("rev-parse", "--abbrev-ref", "HEAD") if commit else "",
        diff=_diff(ask, changed) if commit and changed else "",
        untracked=tuple(name for name in state.files if name in untracked),
        note=state.note,
    )


def _diff(ask: Callable[..., str], names: Sequence[str]) -> str:
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--relative")
    text = ask("--literal-pathspecs", "diff", *options, "HEAD", "--", *names[:1000])
    if len(text) > DIFF_LIMIT or len(names) > 1000:
        return text[:DIFF_LIMIT] + "\n[cut here; the code is kept whole under its digest]\n"
    return text


__all__ = ["State", "is_secret", "look", "own", "select"]
