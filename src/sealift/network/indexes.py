"""Where wheels come from: the project's indexes, else those of the user's uv, else of pip.

uv reads its own variables and files. It does not read pip's, so what pip would use is handed on to
it where uv has been told nothing.
"""

from __future__ import annotations

import configparser
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_DEFAULT = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_FURTHER = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
_KEYS = {"index", "index-url", "extra-index-url", "find-links", "no-index"}


def variables(
    index: str, further: Sequence[str], environment: Mapping[str, str], machine: Path = Path("/")
) -> dict[str, str]:
    """The environment with the variables of uv that name indexes.

    ``index`` and ``further`` are those of the project; ``machine`` is the root of the file system
    that is asked for configuration files.
    """
    made = dict(environment)
    if not index and not further and not _told(environment, machine):
        pip = _pip(environment, machine)
        made |= {name: text for name, text in pip.items() if text}
    if index:
        _replace(made, _DEFAULT, index)
    if further:
        _replace(made, _FURTHER, " ".join(further))
    return made


def _replace(made: dict[str, str], names: tuple[str, str], text: str) -> None:
    made.pop(names[1], None)
    made[names[0]] = text


def _told(environment: Mapping[str, str], machine: Path) -> bool:
    """Whether uv has been told of an index in its own way."""
    if any(environment.get(name) for name in (*_DEFAULT, *_FURTHER)):
        return True
    return any(_names_index(file) for file in _uv_files(environment, machine))


def _uv_files(environment: Mapping[str, str], machine: Path) -> Iterator[Path]:
    if chosen := environment.get("UV_CONFIG_FILE"):
        yield Path(chosen)
        return
    if environment.get("UV_NO_CONFIG"):
        return
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield folder / "uv.toml"
        yield folder / "pyproject.toml"
    yield _configuration(environment) / "uv" / "uv.toml"
    yield machine / "etc/uv/uv.toml"


def _configuration(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CONFIG_HOME")
    return Path(home) if home else Path(environment.get("HOME") or Path.home()) / ".config"


def _names_index(file: Path) -> bool:
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # uv says itself what is wrong with its file
    if file.name == "pyproject.toml":
        tool = found.get("tool")
        found = tool.get("uv", {}) if isinstance(tool, dict) else {}
    inner = found.get("pip", {}) if isinstance(found, dict) else {}
    return bool(_KEYS & (set(found) | (set(inner) if isinstance(inner, dict) else set())))


def _pip(environment: Mapping[str, str], machine: Path) -> dict[str, str]:
    """What pip would use, by its variables, else by its files, under uv's names.

    Of the files only the index counts: pip mixes further ones with it, and uv prefers them to it.
    """
    known = ""
    for file in _pip_files(environment, machine):
        parser = configparser.RawConfigParser()
        with suppress(configparser.Error, UnicodeDecodeError, OSError):
            parser.read(file, encoding="utf-8")
        for section in ("global", "install"):
            known = parser.get(section, "index-url", fallback=known)
    return {
        "UV_DEFAULT_INDEX": environment.get("PIP_INDEX_URL", "") or known.strip(),
        "UV_INDEX": " ".join(environment.get("PIP_EXTRA_INDEX_URL", "").split()),
    }


def _pip_files(environment: Mapping[str, str], machine: Path) -> list[Path]:
    """pip's configuration files, those that win last (pip's documentation, "Configuration")."""
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == "/dev/null":
        return []
    home = Path(environment.get("HOME") or Path.home())
    return [
        machine / "etc/xdg/pip/pip.conf",
        machine / "etc/pip.conf",
        home / ".pip/pip.conf",
        _configuration(environment) / "pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(chosen)] if chosen else []),
    ]


__all__ = ["variables"]
