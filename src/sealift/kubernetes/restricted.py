"""What every pod of Sealift's gives up: the restricted Pod Security Standard, in one place.

Source: Kubernetes, "Restricted" of the Pod Security Standards.
"""

from __future__ import annotations

from sealift.kubernetes.objects import Object

USER = 65532


def pod() -> Object:
    """The fields of a pod's specification: nobody in particular, without a token of an account."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def container() -> Object:
    """The security context of each of its containers."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


__all__ = ["USER", "container", "pod"]
