"""Which way leads to an address: by a proxy or directly.

The variables are those that curl, pip and uv know. An entry of NO_PROXY is ``*``, a host (with all
below it), an address, a network such as ``10.0.0.0/8``, each with or without a port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

from sealift.errors import MachineError

_PORTS = {"http": 80, "https": 443}
_LOCAL = ("localhost", "127.0.0.0/8", "::1")
_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Proxies:
    """A proxy for each scheme, ``""`` for none; ``direct`` are the entries of NO_PROXY."""

    http: str = ""
    https: str = ""
    direct: tuple[str, ...] = ()

    def of(self, url: httpx.URL) -> str:
        """The proxy that leads to an address; ``""`` where the way is direct.

        This machine is always reached directly.

        >>> found = Proxies(https="http://proxy.example:3128", direct=(".corp.example",))
        >>> found.of(httpx.URL("https://files.example/x"))
        'http://proxy.example:3128'
        >>> found.of(httpx.URL("https://pypi.corp.example/simple"))
        ''
        """
        proxy = {"http": self.http, "https": self.https}.get(url.scheme, "")
        port = url.port or _PORTS.get(url.scheme, 0)
        if not proxy or covers((*_LOCAL, *self.direct), url.host, port):
            return ""
        return proxy

    def variables(self) -> dict[str, str]:
        """The same for a child process, under both spellings of each name."""
        direct = ",".join(dict.fromkeys((*self.direct, *_LOCAL)))
        given = {"HTTP_PROXY": self.http, "HTTPS_PROXY": self.https, "NO_PROXY": direct}
        shown = {name: text for name, text in given.items() if text and (self.http or self.https)}
        return shown | {name.lower(): text for name, text in shown.items()}


def found(proxy: str, direct: Iterable[str], environment: Mapping[str, str]) -> Proxies:
    """The proxies of the settings, else those of the environment.

    Raises ``MachineError`` for an address that no proxy can have.
    """
    usual = proxy or _variable("ALL_PROXY", environment)
    http = proxy or _variable("HTTP_PROXY", environment) or usual
    https = proxy or _variable("HTTPS_PROXY", environment) or usual
    entries = tuple(direct) or tuple(_variable("NO_PROXY", environment).split(","))
    return Proxies(
        _address(http), _address(https), tuple(one.strip() for one in entries if one.strip())
    )


def without(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without any variable of these."""
    names = {name for one in _NAMES for name in (one, one.lower())}
    return {name: text for name, text in environment.items() if name not in names}


def is_local(host: str) -> bool:
    """Whether a host is this machine, going by its name alone.

    >>> is_local("127.0.0.1"), is_local("x.localhost"), is_local("host.example")
    (True, True, False)
    """
    return covers(_LOCAL, host, 0)


def covers(entries: Iterable[str], host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY stands for a host.

    >>> covers(["10.0.0.0/8"], "10.1.2.3", 443), covers(["a.example:80"], "a.example", 443)
    (True, False)
    """
    return any(_covers(one.lower(), host.lower().strip("[]"), port) for one in entries)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return host == entry or host.endswith(f".{entry}")


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name.lower()) or environment.get(name) or ""


def _address(text: str) -> str:
    """A proxy's address, whole; one without a scheme is taken as plain HTTP, as everywhere."""
    if not text:
        return ""
    whole = text if "://" in text else f"http://{text}"
    try:
        url = httpx.URL(whole)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in _PORTS or not url.host:
        raise MachineError(
            "The address of the proxy cannot be used: it has to be http://HOST:PORT or https://....",
            where=whole,
            remedy="Correct network.proxy in sealift.toml, or HTTPS_PROXY, HTTP_PROXY and "
            "ALL_PROXY.",
        )
    return whole


__all__ = ["Proxies", "covers", "found", "is_local", "without"]
