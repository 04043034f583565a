"""What the user writes of the load that an image is checked under: ``[check.load]``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sealift.record.section import Section

SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
"""Units of sizes in bytes."""

_TIMES = {"ms": 1e-3, "s": 1.0}

Time = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{1,9}(\.[0-9]+)? ?(ms|s))?$",
        extra={"write": "a number of ms or s, such as '20 ms'"},
    ),
]
"""A time, or nothing."""

Size = Annotated[
    str,
    Meta(
        pattern=r"^([1-9][0-9]{0,9}(\.[0-9]+)? ?(kB|MB|GB|KiB|MiB|GiB))?$",
        extra={"write": "a number of kB, MB, GB, KiB, MiB or GiB, such as '200 MB'"},
    ),
]
"""A size, or nothing."""


class LoadSettings(Section, frozen=True):
    """The load of the check ``latency``, and what an image may need under it."""

    rate: Annotated[
        float,
        Meta(gt=0, le=1000, description="Requests a second, sent whether answers come or not."),
    ] = 50.0
    seconds: Annotated[float, Meta(ge=1, le=600, description="For how long.")] = 2.0
    rows: Annotated[int, Meta(ge=1, le=100_000, description="Rows in each request.")] = 1
    p50: Annotated[
        Time, Meta(description="Most that half of the requests may take; not judged if empty.")
    ] = ""
    p99: Annotated[
        Time, Meta(description="Most that 99 of 100 requests may take; not judged if empty.")
    ] = ""
    memory: Annotated[
        Size,
        Meta(description="Most that the server's processes may hold then; not judged if empty."),
    ] = ""

    def most(self, share: Literal["p50", "p99"]) -> float | None:
        """The longest time in seconds of a share of the requests; None where it is not judged.

        >>> LoadSettings(p99="20 ms").most("p99"), LoadSettings().most("p50")
        (0.02, None)
        """
        text = self.p50 if share == "p50" else self.p99
        if not text:
            return None
        number = text.rstrip("ms ")
        return float(number) * _TIMES[text[len(number) :].strip()]

    @property
    def memory_bytes(self) -> int | None:
        """The most memory in bytes; None where it is not judged."""
        return in_bytes(self.memory) if self.memory else None


def in_bytes(size: str) -> int:
    """A size in bytes.

    >>> in_bytes("1.5 MiB")
    1572864
    """
    number = size.rstrip("kKMGiB ")
    return int(float(number) * SIZES[size[len(number) :].strip()])


__all__ = ["SIZES", "LoadSettings", "Size", "in_bytes"]
