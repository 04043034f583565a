"""Loading and unloading, as the protocol's model repository extension has it.

Whoever reaches the server could take the model away with it, so it is off unless switched on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sealift.serve.ready import Readiness
from sealift.serve.refusal import RefusalError

UNLOADED = "The model was unloaded."
"""Why a model that was unloaded is not ready."""

_STATES = {"ready": "READY", "loading": "LOADING"}


class Repository:
    """One model of the server."""

    def __init__(self, name: str, version: str, readiness: Readiness, *, control: bool) -> None:
        self._name = name
        self._version = version
        self._readiness = readiness
        self._control = control

    def index(self, *, ready: bool) -> list[dict[str, Any]]:
        """The models that there are; with ``ready`` only those that answer."""
        state = _STATES.get(self._readiness.state, "UNAVAILABLE")
        if ready and state != "READY":
            return []
        return [
            {
                "name": self._name,
                "version": self._version,
                "state": state,
                "reason": self._readiness.reason,
            }
        ]

    async def load(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Load the model and certify it again. Raises ``RefusalError``."""
        self._check()
        if self._readiness.state in ("ending", "loading"):
            raise RefusalError(self._readiness.reason, code="not_ready", status=503)
        self._readiness.again()
        await prepare()
        if not self._readiness.ready:
            raise RefusalError(
                f"{self._name!r} failed to load: {self._readiness.reason}",
                code="not_loaded",
                status=409,
            )

    def unload(self) -> None:
        """Take the model out of service. Raises ``RefusalError``."""
        self._check()
        self._readiness.set("unloaded", UNLOADED)

    def _check(self) -> None:
        if not self._control:
            raise RefusalError(
                "Models are not loaded and unloaded over the network here; "
                "SEALIFT_MODEL_CONTROL=explicit allows it.",
                code="no_control",
                status=403,
            )


__all__ = ["UNLOADED", "Repository"]
