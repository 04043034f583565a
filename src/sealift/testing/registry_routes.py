"""What the paths of a registry ask for (distribution-spec 1.1, "Endpoints")."""

from __future__ import annotations

import re

ROUTES = (
    ("token", re.compile(r"/token")),
    ("storage", re.compile(r"/storage/(?P<name>sha256:[0-9a-f]{64})")),
    ("begin", re.compile(r"/v2/(?P<repo>.+)/blobs/uploads/")),
    ("session", re.compile(r"/v2/(?P<repo>.+)/blobs/uploads/(?P<name>[0-9a-f]+)")),
    ("blob", re.compile(r"/v2/(?P<repo>.+)/blobs/(?P<name>sha256:[0-9a-f]{64})")),
    ("manifest", re.compile(r"/v2/(?P<repo>.+)/manifests/(?P<name>[^/]+)")),
    ("referrers", re.compile(r"/v2/(?P<repo>.+)/referrers/(?P<name>sha256:[0-9a-f]{64})")),
    ("tags", re.compile(r"/v2/(?P<repo>.+)/tags/list")),
)

__all__ = ["ROUTES"]
