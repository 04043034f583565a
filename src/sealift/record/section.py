"""What the tables of the project file are made of."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the project file."""


Text = Annotated[str, Meta(min_length=1, extra={"write": "a text that is not empty"})]

__all__ = ["Section", "Text"]
