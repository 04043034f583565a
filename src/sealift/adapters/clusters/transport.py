"""A client of HTTP that trusts whom a login trusts and shows its certificate."""

from __future__ import annotations

import ssl
import tempfile
from urllib.parse import urlsplit

import httpx

from sealift.adapters.clusters.credentials import Credentials, plugged
from sealift.adapters.clusters.login import Login
from sealift.errors import MachineError
from sealift.kubernetes.reading import text

_CONNECT = 5.0
_SILENCE = 30.0


def client(login: Login) -> httpx.Client:
    """A client for the API of a cluster; raises ``MachineError`` for bad certificates."""
    scheme = urlsplit(login.server).scheme
    if scheme not in ("http", "https"):
        raise MachineError(
            "The kubeconfig names no address of a server.", where=f"context {login.context}"
        )
    certificate, key = login.certificate, login.key
    if login.plugin and not certificate:
        said = plugged(login)
        certificate = text(said, "clientCertificateData").encode()
        key = text(said, "clientKeyData").encode()
    try:
        # reading all of a machine's authorities takes long, and by plain HTTP none is asked
        trust = _trust(login, certificate, key) if scheme == "https" else False
    except (ssl.SSLError, ValueError) as error:
        raise MachineError(
            f"The certificates of the kubeconfig cannot be used: {error}.",
            where=f"context {login.context}",
            remedy="Get the kubeconfig anew from the cluster's provider.",
        ) from error
    made = httpx.Client(
        base_url=login.server,
        verify=trust,
        auth=Credentials(login),
        proxy=login.proxy or None,
        timeout=httpx.Timeout(_SILENCE, connect=_CONNECT),
        headers={"Accept": "application/json", "User-Agent": "sealift"},
    )
    if login.server_name:
        made.event_hooks = {"request": [lambda request: _name(request, login.server_name)]}
    return made


def _name(request: httpx.Request, name: str) -> None:
    """Have the certificate of the server checked for another name than its address."""
    request.extensions["sni_hostname"] = name


def _trust(login: Login, certificate: bytes, key: bytes) -> ssl.SSLContext:
    trust = ssl.create_default_context(cadata=login.authority.decode() or None)
    if login.insecure:
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    if certificate:
        with tempfile.NamedTemporaryFile(prefix="sealift-") as pair:
            pair.write(certificate + b"\n" + key)
            pair.flush()
            trust.load_cert_chain(pair.name)
    return trust


__all__ = ["client"]
