"""All looks, in the order in which a person wants to read them."""

from __future__ import annotations

from sealift.doctor import (
    cgroups,
    compiled,
    disk,
    engines,
    images,
    index,
    machine,
    namespaces,
    network,
    overlay,
    policy,
    privacy,
    programs,
    project,
    sources,
)
from sealift.doctor.check import Check

CHECKS: tuple[Check, ...] = (
    machine.CHECK,
    programs.CHECK,
    compiled.CHECK,
    namespaces.CHECK,
    engines.CHECK,
    cgroups.CHECK,
    overlay.CHECK,
    disk.CHECK,
    privacy.CHECK,
    network.CHECK,
    sources.CHECK,
    index.CHECK,
    images.CHECK,
    project.CHECK,
    policy.CHECK,
)

__all__ = ["CHECKS"]
