"""What a cluster refused, and what to do: from the Status that it answers with to an error.

Source: Kubernetes, API conventions, "Response Status Kind".
"""

from __future__ import annotations

import re

from sealift.errors import AwayError, ClusterError, ConflictError, ForbiddenError, KindError
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries, text

_MANAGER = re.compile(r'conflict with "([^"]+)"')


def refusal(status: int, said: Object, asked: str) -> ClusterError:
    """The error for an answer of this HTTP status; ``asked`` says what for.

    ``said`` is the Status object, or empty where the answer was none.
    """
    message = " ".join(text(said, "message").split())
    reason = text(said, "reason")
    if status == 401:
        return ClusterError(
            "The cluster does not accept who you are.",
            where=asked,
            remedy="Log in again; `kubectl auth whoami` shows what it takes you for.",
        )
    if status == 403:
        return _forbidden(message, asked)
    if status == 404:
        return _missing(said, message, asked)
    if status == 409:
        return _conflict(said, asked)
    if status == 422 or reason == "Invalid":
        return _invalid(said, message, asked)
    if status == 429 or status >= 500:
        return AwayError(
            f"The cluster cannot answer now (status {status}): {message or 'it says no more'}",
            where=asked,
            remedy="Run the same command again later: it goes on.",
        )
    if "admission webhook" in message or "denied the request" in message:
        return _denied(message, asked)
    return ClusterError(
        f"The cluster refuses it (status {status}): {message or 'it says no more'}",
        where=asked,
        remedy="Change what it complains of, and run the same command again.",
    )


def _forbidden(message: str, asked: str) -> ClusterError:
    if "exceeded quota" in message:
        return ClusterError(
            f"The quota of the namespace leaves no room: {message}",
            where=asked,
            remedy="Have the quota raised, or end older versions with `sealift down`.",
        )
    if "is being terminated" in message:
        return ClusterError(
            f"The namespace is being removed: {message}",
            where=asked,
            remedy="Wait until it is gone, or name another namespace.",
        )
    if "admission webhook" in message or "denied request" in message:
        return _denied(message, asked)
    found = re.search(r'cannot (\w+) resource "([^"]+)"', message)
    role = f"the verb {found[1]} on {found[2]}" if found else "it"
    return ForbiddenError(
        f"The cluster forbids it: {message or 'it says no more'}",
        where=asked,
        remedy=f"Have a Role that allows {role} bound to you, or use another context.",
    )


def _denied(message: str, asked: str) -> ClusterError:
    return ClusterError(
        f"A rule of the cluster refuses it: {message}",
        where=asked,
        remedy="Have the rule changed, or the settings of the environment.",
    )


def _missing(said: Object, message: str, asked: str) -> ClusterError:
    if text(said, "details", "kind") == "namespaces":
        name = text(said, "details", "name")
        return ClusterError(
            f"There is no namespace {name!r}.",
            where=asked,
            remedy=f"Make it with `kubectl create namespace {name}`, or name another one.",
        )
    return ClusterError(
        f"The cluster has no such thing: {message or 'not found'}",
        where=asked,
        remedy="See that the address in the kubeconfig is that of a Kubernetes API.",
    )


def _conflict(said: Object, asked: str) -> ClusterError:
    causes = [
        one
        for one in entries(said, "details", "causes")
        if text(one, "reason") == "FieldManagerConflict"
    ]
    if not causes:
        return ConflictError(
            "Somebody else changed it in the meantime.",
            where=asked,
            remedy="Look at what changed, and run the same command again.",
        )
    fields = ", ".join(text(one, "field") for one in causes)
    names = sorted({found for one in causes for found in _MANAGER.findall(text(one, "message"))})
    return ConflictError(
        f"Fields were set otherwise by {' and '.join(map(repr, names))}: {fields}",
        where=asked,
        remedy="Let that one give them up, or take them over with --force-conflicts.",
    )


def _invalid(said: Object, message: str, asked: str) -> ClusterError:
    fields = [
        f"{text(one, 'field')}: {text(one, 'message')}"
        for one in entries(said, "details", "causes")
    ]
    if "denied request" in message or "ValidatingAdmissionPolicy" in message:
        return _denied(message, asked)
    return ClusterError(
        f"The cluster finds it invalid: {'; '.join(fields) or message}",
        where=asked,
        remedy="Change the environment's settings; `sealift compile` shows the object.",
    )


def unknown_kind(name: str, api: str) -> ClusterError:
    """The cluster does not know a kind of objects."""
    gateway = "gateway.networking.k8s.io" in api
    return KindError(
        f"The cluster knows no {name} ({api}).",
        where="custom resource definitions",
        remedy="Install the definitions of Gateway API and a controller for it, or leave gateway "
        "out of the environment."
        if gateway
        else "Use a newer Kubernetes.",
    )


__all__ = ["refusal", "unknown_kind"]
