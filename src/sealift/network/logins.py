"""Who asks an index: names and passwords that belong to an address, as uv finds them."""

from __future__ import annotations

import netrc
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from sealift.errors import MachineError

_NAMES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
_PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


def signed_in(address: str, environment: Mapping[str, str]) -> str:
    """An address of a file with the login of its index: from a variable, else from ``~/.netrc``.

    A login counts only for the scheme, host and port that it was given for.

    >>> signed_in("https://h/a.zip", {"UV_INDEX": "corp=https://me:word@h/simple"})
    'https://me:word@h/a.zip'
    >>> signed_in("https://other/a.zip", {"UV_INDEX": "https://me:word@h/simple", "NETRC": "/no"})
    'https://other/a.zip'
    """
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or "@" in url.netloc:
        return address
    for text in (environment.get(name, "") for name in (*_NAMES, *_PIP)):
        for word in text.split():
            index = urlsplit(word[word.find("=") + 1 :] if _named(word) else word)
            login, at, host = index.netloc.rpartition("@")
            if at and (index.scheme, host) == (url.scheme, url.netloc):
                return url._replace(netloc=f"{login}@{host}").geturl()
    found = _netrc(url.hostname or "", environment)
    return url._replace(netloc=f"{found}@{url.netloc}").geturl() if found else address


def _named(word: str) -> bool:
    """Whether an index is given as NAME=ADDRESS."""
    return "=" in word.partition("://")[0]


def _netrc(host: str, environment: Mapping[str, str]) -> str:
    chosen = environment.get("NETRC")
    path = Path(chosen) if chosen else Path(environment.get("HOME") or Path.home()) / ".netrc"
    try:
        found = netrc.netrc(path).authenticators(host)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, netrc.NetrcParseError) as error:
        raise MachineError(
            f"The file of logins cannot be read: {error}.",
            where=str(path),
            remedy="Mend it, or name another in NETRC.",
        ) from error
    return f"{quote(found[0], safe='')}:{quote(found[2] or '', safe='')}" if found else ""


__all__ = ["signed_in"]
