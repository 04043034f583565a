"""Where a cluster is and who one is there: a kubeconfig, or the account of a pod.

Source: Kubernetes, "Organizing Cluster Access Using kubeconfig Files" and the kubeconfig v1 API.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from sealift.errors import MachineError
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries, part, text

POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token of its account and the authority that signed the API's."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster and a way to prove who one is there.

    ``authority``, ``certificate`` and ``key`` are PEM texts. ``plugin`` is the exec section of a
    user, ``folder`` what its relative paths are relative to.
    """

    context: str
    server: str
    authority: bytes = b""
    insecure: bool = False
    server_name: str = ""
    proxy: str = ""
    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    token_file: Path | None = None
    user: str = ""
    password: str = ""
    plugin: Object | None = None
    folder: Path = Path()


def login(context: str, environment: Mapping[str, str], account: Path = POD) -> Login:
    """The cluster of a context of the kubeconfig; with no name, of its current one.

    The files are those of KUBECONFIG, or ``~/.kube/config``. Where there is none and no context
    is named, a pod's own account. Raises ``MachineError`` where nothing says where a cluster is.
    """
    named = environment.get("KUBECONFIG", "")
    home = Path(environment.get("HOME", "") or Path.home())
    paths = [Path(one) for one in named.split(os.pathsep) if one] or [home / ".kube" / "config"]
    files = [(path, _load(path)) for path in paths if path.exists()]
    if not files:
        if not context and (account / "token").exists():
            return _inside(environment, account)
        raise MachineError(
            "There is no kubeconfig.",
            where=os.pathsep.join(map(str, paths)),
            remedy="Name one with KUBECONFIG, or log in to the cluster with its provider's tool.",
        )
    return _chosen(context, files)


def _load(path: Path) -> Object:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MachineError(
            f"The kubeconfig cannot be read: {error.strerror}.", where=str(path)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MachineError(
            "The kubeconfig is not YAML.",
            where=str(path),
            remedy="See `kubectl config view`, and mend it.",
        ) from error
    return found if isinstance(found, dict) else {}


def _chosen(context: str, files: list[tuple[Path, Object]]) -> Login:
    current = [text(one, "current-context") for _, one in files]
    name = context or next(filter(None, current), "")
    where = os.pathsep.join(str(path) for path, _ in files)
    if not name:
        raise MachineError(
            "The kubeconfig has no current context.",
            where=where,
            remedy="Set context in the environment, or run `kubectl config use-context NAME`.",
        )
    _, chosen = _entry("contexts", "context", name, files)
    folder, cluster = _entry("clusters", "cluster", text(chosen, "cluster"), files)
    home, user = _entry("users", "user", text(chosen, "user"), files)
    plugin = part(user, "exec")
    token_file = text(user, "tokenFile")
    _modern(user, where)
    return Login(
        context=name,
        server=text(cluster, "server").rstrip("/"),
        authority=_content(cluster, "certificate-authority", folder),
        insecure=part(cluster, "insecure-skip-tls-verify") is True,
        server_name=text(cluster, "tls-server-name"),
        proxy=text(cluster, "proxy-url"),
        certificate=_content(user, "client-certificate", home),
        key=_content(user, "client-key", home),
        token=text(user, "token"),
        token_file=home / token_file if token_file else None,
        user=text(user, "username"),
        password=text(user, "password"),
        plugin=plugin if isinstance(plugin, dict) else None,
        folder=home,
    )


def _entry(
    section: str, key: str, name: str, files: list[tuple[Path, Object]]
) -> tuple[Path, Object]:
    """A named entry and the folder of its file; the first file that has one counts."""
    known = []
    for path, content in files:
        for one in entries(content, section):
            known.append(text(one, "name"))
            found = part(one, key)
            if known[-1] == name and isinstance(found, dict):
                return path.parent, found
    raise MachineError(
        f"The kubeconfig has no {key} {name!r}.",
        where=os.pathsep.join(str(path) for path, _ in files),
        remedy=f"It has: {', '.join(sorted(set(known))) or 'none'}.",
    )


def _modern(user: Object, where: str) -> None:
    provider = text(user, "auth-provider", "name")
    if provider:
        raise MachineError(
            f"The kubeconfig logs in by the provider {provider!r}, which Kubernetes no longer has.",
            where=where,
            remedy="Write it anew with the provider's tool: it uses an exec plugin today.",
        )


def _content(one: Object, name: str, folder: Path) -> bytes:
    """A PEM text that stands in the kubeconfig or in a file that it names."""
    if data := text(one, f"{name}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise MachineError(
                f"The kubeconfig's {name}-data is not base64.", where=str(folder)
            ) from error
    return _read(folder / path) if (path := text(one, name)) else b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MachineError(
            f"A file that the kubeconfig names cannot be read: {error.strerror}.", where=str(path)
        ) from error


def _inside(environment: Mapping[str, str], account: Path) -> Login:
    host = environment.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = environment.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    bare = f"[{host}]" if ":" in host else host
    return Login(
        context="the pod's own account",
        server=f"https://{bare}:{port}",
        authority=_read(account / "ca.crt"),
        token_file=account / "token",
    )


__all__ = ["Login", "login"]
