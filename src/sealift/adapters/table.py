"""The adapters by kind and name, imported only when one is asked for."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

from sealift.errors import MachineError, UsageError

# kind -> name -> (module, class); sorted, so that a new row has one place
TABLE: dict[str, dict[str, tuple[str, str]]] = {
    "cluster": {
        "kubernetes": ("sealift.adapters.clusters.kubernetes", "KubernetesCluster"),
    },
    "database": {
        "sqlite": ("sealift.adapters.databases.sqlite", "Sqlite"),
    },
    "engine": {
        "bubblewrap": ("sealift.adapters.engines.bubblewrap", "Bubblewrap"),
        "docker": ("sealift.adapters.engines.podman", "Docker"),
        "podman": ("sealift.adapters.engines.podman", "Podman"),
    },
    "jobs": {
        "kubernetes": ("sealift.adapters.engines.kubernetes", "KubernetesJobs"),
    },
    "objects": {
        "s3": ("sealift.adapters.caches.bucket", "Bucket"),
    },
    "router": {
        "traefik": ("sealift.adapters.routers.traefik", "Traefik"),
    },
    "signer": {
        "keyfile": ("sealift.adapters.signers.keyfile", "KeyFile"),
    },
    "store": {
        "layout": ("sealift.adapters.stores.layout", "Layout"),
    },
}


def adapter(kind: str, name: str) -> Any:
    """The class of an adapter.

    Raises ``UsageError`` for a name that is not in the table, with the nearest one that is, and
    ``MachineError`` where a package is missing that comes with an extra.
    """
    rows = TABLE[kind]
    if name not in rows:
        near = difflib.get_close_matches(name, rows, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(rows))}."
        raise UsageError(f"There is no {kind} called {name!r}.", remedy=hint)
    module, attribute = rows[name]
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sealift"):
            raise
        raise MachineError(
            f"{name} needs {error.name}, which is not installed.",
            remedy=f"Install it: pip install 'sealift[{name}]'.",
        ) from error


__all__ = ["TABLE", "adapter"]
