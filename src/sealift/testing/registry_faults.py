"""What the registry of the tests does wrong, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Faults:
    """What the registry does wrong, or does in its own way; all of it may change at any time.

    Lists are used up from the front, one entry a request: ``cut_uploads`` and ``cut_downloads``
    hold numbers of bytes after which the connection is cut (requests of more than 64 KiB only),
    ``answers`` statuses and values of ``Retry-After`` that come instead of a right answer,
    ``lose_sessions`` numbers of bytes from which an upload is forgotten. ``warnings`` are values of
    that header in every answer. Who asks for a token that is for the repository ``forbidden`` too
    gets none.
    """

    cut_uploads: list[int] = field(default_factory=list)
    cut_downloads: list[int] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    keeps_cut: bool = True
    lose_sessions: list[int] = field(default_factory=list)
    flips: bool = False
    wrong_length: int = 0
    storage: str = ""
    referrers: bool = True
    ranges: bool = True
    mounts: bool = True
    digests: bool = True
    media_type: str = ""
    most_body: int = 0
    least_chunk: int = 0
    page: int = 0
    login: tuple[str, str] | None = None
    scheme: str = "Basic"
    token_seconds: float = 300.0
    identity: str = ""
    forbidden: str = ""
    lag: float = 0.0
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """A request that was answered, or cut."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    size: int


__all__ = ["Faults", "Seen"]
