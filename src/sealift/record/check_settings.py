"""What the user writes of checks: the table ``[check]`` of ``sealift.toml``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from sealift.record.load_settings import LoadSettings, in_bytes
from sealift.record.section import Section, Text

DENIED = (
    "AGPL-*",
    "BUSL-*",
    "CC-BY-NC-*",
    "CPAL-*",
    "Elastic-*",
    "OSL-*",
    "Parity-*",
    "PolyForm-*",
    "RPL-*",
    "SSPL-*",
)
"""Licences that bind whoever offers a service, or forbid commercial use; by identifiers of SPDX."""

Licence = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9.+*-]+$",
        extra={"write": "an identifier of SPDX, such as 'AGPL-3.0-only'; * stands for anything"},
    ),
]
"""An identifier of SPDX, or a pattern of such."""

Day = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        extra={"write": "a day as year, month and day in quotes, such as '2027-01-31'"},
    ),
]
"""A day of the calendar, as ISO 8601 writes it."""

VulnerabilityId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]+-[A-Za-z0-9:.-]+$",
        extra={"write": "the identifier of a vulnerability, such as CVE-2024-1234"},
    ),
]
"""The identifier of a vulnerability, or another name for it."""


class IgnoreSettings(Section, frozen=True):
    """A known vulnerability that is no reason to fail, for a while."""

    reason: Annotated[Text, Meta(description="Why it does no harm here.")]
    until: Annotated[Day, Meta(description="The last day on which it is ignored.")]


class LicenceSettings(Section, frozen=True):
    """Which licences a package in the image may have."""

    deny: Annotated[
        list[Licence],
        Meta(description="Licences that no package may have; * stands for anything."),
    ] = field(default_factory=lambda: [*DENIED])
    allow: Annotated[
        dict[Text, Text],
        Meta(description="Packages that may have any licence, each with the reason."),
    ] = field(default_factory=dict)


class CheckSettings(Section, frozen=True):
    """What the checks of an image demand."""

    size: Annotated[
        str,
        Meta(
            pattern=r"^[1-9][0-9]{0,9}(\.[0-9]+)? ?(kB|MB|GB|KiB|MiB|GiB)$",
            extra={"write": "a number of kB, MB, GB, KiB, MiB or GiB, such as '200 MB'"},
            description="Most that the files of the image may come to, unpacked.",
        ),
    ] = "1 GB"
    start: Annotated[
        float,
        Meta(gt=0, le=3600, description="Seconds within which the server has to be ready."),
    ] = 30.0
    vulnerabilities: Annotated[
        str,
        Meta(
            description="Known vulnerabilities in the form that OSV publishes: a folder with "
            "entries or archives of them, or one such archive; below the project folder, or "
            "absolute. Without one nothing is compared."
        ),
    ] = ""
    ignore: Annotated[
        dict[VulnerabilityId, IgnoreSettings],
        Meta(description="Vulnerabilities that are no reason to fail, by their identifiers."),
    ] = field(default_factory=dict)
    licences: Annotated[LicenceSettings, Meta(description="Which licences packages may have.")] = (
        field(default_factory=LicenceSettings)
    )
    load: Annotated[
        LoadSettings, Meta(description="The load of the check `latency`, and its budgets.")
    ] = field(default_factory=LoadSettings)

    @property
    def size_bytes(self) -> int:
        """The largest size in bytes.

        >>> CheckSettings(size="1.5 MiB").size_bytes
        1572864
        """
        return in_bytes(self.size)


__all__ = ["DENIED", "CheckSettings", "IgnoreSettings", "LicenceSettings"]
