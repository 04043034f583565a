"""The checks of a server of others, in order: those of Sealift's own server, by name."""

from __future__ import annotations

from sealift.check import licences, lineage, packages, size, starts, unsecret, vulnerabilities
from sealift.check.brought import (
    drain,
    endpoint,
    golden,
    health,
    power,
    refusals,
    valid_request,
)
from sealift.check.check import Check

CHECKS: tuple[Check, ...] = (
    starts.CHECK,
    health.CHECK,
    endpoint.CHECK,
    valid_request.CHECK,
    refusals.INVALID_JSON,
    refusals.CONTRACT,
    golden.GOLDEN,
    golden.REPEATABLE,
    power.NON_ROOT,
    power.READ_ONLY,
    unsecret.CHECK,
    size.CHECK,
    packages.CHECK,
    licences.CHECK,
    vulnerabilities.CHECK,
    lineage.CHECK,
    drain.CHECK,
)
"""The order matters: the first starts the server, the last ends it."""

__all__ = ["CHECKS"]
