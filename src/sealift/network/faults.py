"""Why an address cannot be reached, in words that tell a person what to do next."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

TRUST = (
    "Put the authority's certificate into a file and name it with network.ca in sealift.toml, or "
    "with SSL_CERT_FILE."
)
PROXY = (
    "Check network.proxy and network.no_proxy in sealift.toml, or HTTPS_PROXY, HTTP_PROXY and "
    "NO_PROXY."
)
LOGIN = (
    "Give the name and the password in its address, SCHEME://NAME:PASSWORD@HOST, best in a "
    "variable of the environment."
)
WAY = "Check the network; behind a proxy, set network.proxy in sealift.toml, or HTTPS_PROXY."


class DeadProxyError(httpx.ProxyError):
    """The proxy itself cannot be reached."""


@dataclass(frozen=True)
class Trouble:
    """What happened, what to do, and whether another attempt may help."""

    what: str
    remedy: str
    lasting: bool = True


def trouble(error: httpx.TransportError, whom: str) -> Trouble | None:
    """What kept an address from being reached; None where the connection broke in the midst.

    ``whom`` is who was asked, such as ``the registry``.
    """
    chain = list(causes(error))
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return Trouble(f"The certificate of {whom} is not trusted: {chain[-1]}.", TRUST)
    if any(isinstance(one, ssl.SSLError) and "WRONG_VERSION" in str(one) for one in chain):
        return Trouble(f"TLS was expected, and {whom} does not speak it.", "")
    if isinstance(error, httpx.UnsupportedProtocol):
        return Trouble(f"An address cannot be used: {error!s}.", "")
    if isinstance(error, DeadProxyError):
        return Trouble(f"The proxy cannot be reached: {said(error)}.", PROXY, False)
    if isinstance(error, httpx.ProxyError) and "407" in str(error):
        return Trouble("The proxy wants to know who asks.", f"{LOGIN} {PROXY}")
    if isinstance(error, httpx.ProxyError):
        return Trouble(f"The proxy does not let {whom} be reached: {said(error)}.", PROXY, False)
    if any(isinstance(one, socket.gaierror) for one in chain):
        return Trouble(f"The name of {whom} is not known.", f"Check its spelling. {WAY}", False)
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return Trouble(f"There is no way to {whom}: {said(error)}.", WAY, False)
    return None


def said(error: Exception) -> str:
    """What an exception says, or else its name; without secrets, without a full stop."""
    return str(error).rstrip(".") or type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that it came of, the first cause last."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


__all__ = [
    "LOGIN",
    "PROXY",
    "TRUST",
    "WAY",
    "DeadProxyError",
    "Trouble",
    "causes",
    "said",
    "trouble",
]
