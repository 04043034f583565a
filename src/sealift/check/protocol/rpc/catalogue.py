"""Every rule of gRPC."""

from __future__ import annotations

from sealift.check.protocol.rpc import (
    agreement,
    errors,
    extensions,
    framing,
    health,
    inference,
    metadata,
    transport,
    values,
)
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Rule

RULES: tuple[Rule[Remote], ...] = (
    *health.RULES,
    *metadata.RULES,
    *inference.RULES,
    *errors.RULES,
    *values.RULES,
    *transport.RULES,
    *framing.RULES,
    *extensions.RULES,
    *agreement.RULES,
)
"""By topic; what is not even a message comes late."""

__all__ = ["RULES"]
