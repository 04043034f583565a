"""What the names in a project file may be."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        extra={"write": "up to 63 lower-case letters, digits and hyphens, such as 'flight-delays'"},
    ),
]
"""Lower-case letters, digits and hyphens: fits file names, image names and host names."""

Word = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$",
        extra={"write": "up to 63 letters, digits, underscores and hyphens, such as 'to_month'"},
    ),
]
"""The name of a parameter or of an output."""

Alias = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$",
        extra={"write": "up to 63 letters, digits, underscores and hyphens, such as 'champion'"},
    ),
]
"""Another name of a model version; it fits as a tag in a registry."""

FileDigest = Annotated[
    str,
    Meta(
        pattern=r"^sha256:[0-9a-f]{64}$",
        extra={"write": "'sha256:' and 64 hexadecimal digits, as the refusal prints them"},
    ),
]
"""The digest of a file."""

__all__ = ["Alias", "FileDigest", "Name", "Word"]
