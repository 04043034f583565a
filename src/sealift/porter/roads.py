"""The way of a porter out of its pod."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import certifi

from sealift.kubernetes.porter import AUTHORITIES
from sealift.network.network import Network
from sealift.record.network import NetworkSettings


def network(*, insecure: Sequence[str] = ()) -> Network:
    """The network with the authorities that came along in the porter's image.

    Those that Python packages carry are always there: an image need not have any.
    """
    trusted = AUTHORITIES if Path(AUTHORITIES).is_file() else certifi.where()
    return Network(NetworkSettings(insecure=list(insecure), ca=trusted))


__all__ = ["network"]
