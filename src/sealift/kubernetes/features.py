"""What a gateway can do, as its GatewayClass says; one that says nothing can do the core alone.

Source: Gateway API, GatewayClass ``status.supportedFeatures`` (objects since v1.1, texts before).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries, part, text

ECHO = "HTTPRouteResponseHeaderModification"
"""Setting headers of answers: by one it is seen which division of the traffic is in force."""


def features(known: Object | None) -> frozenset[str]:
    """The features that a GatewayClass names.

    >>> sorted(features({"status": {"supportedFeatures": [{"name": "A"}, "B"]}}))
    ['A', 'B']
    """
    listed = part(known, "status", "supportedFeatures")
    rows = listed if isinstance(listed, list) else []
    return frozenset(one if isinstance(one, str) else text(one, "name") for one in rows)


def address(gateway: Object | None) -> str:
    """Where a Gateway is reached by plain HTTP, as it says itself; empty where it does not."""
    places = [text(one, "value") for one in entries(gateway, "status", "addresses")]
    for one in entries(gateway, "spec", "listeners"):
        port = part(one, "port")
        if one.get("protocol") == "HTTP" and places and isinstance(port, int):
            host = f"[{places[0]}]" if ":" in places[0] else places[0]
            return urlsplit(f"http://{host}:{port}").geturl()
    return ""


__all__ = ["ECHO", "address", "features"]
