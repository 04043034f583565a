"""What the user demands of the report of an image: the table ``[release.policy]``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from sealift.record.section import Section, Text

_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0}

Fingerprint = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$",
        extra={"write": "the fingerprint of a key, 64 hexadecimal digits: see `sealift keys list`"},
    ),
]
"""The SHA-256 of a public key in DER."""


class PolicySettings(Section, frozen=True):
    """What a release demands of the report of its image."""

    checks: Annotated[
        list[Text],
        Meta(
            description="Checks that must have been carried out and passed, not merely not "
            "applied; in any case all that a check of today makes must be in the report."
        ),
    ] = field(default_factory=list)
    age: Annotated[
        str,
        Meta(
            pattern=r"^([1-9][0-9]{0,4} (minute|hour|day|week)s?)?$",
            extra={"write": "a time such as '12 hours' or '7 days'"},
            description="How old the report may be, such as '7 days'; however old if empty.",
        ),
    ] = ""
    signed_by: Annotated[
        list[Fingerprint],
        Meta(
            description="Fingerprints of the keys that may have signed the report; if empty, the "
            "project's own key and those it trusts."
        ),
    ] = field(default_factory=list)
    engines: Annotated[
        list[Text],
        Meta(description="Engines on which the checks may have been made; if empty, any."),
    ] = field(default_factory=list)
    strict: Annotated[
        bool, Meta(description="Whether a warning in the report refuses the release too.")
    ] = False

    @property
    def seconds(self) -> float | None:
        """How old the report may be in seconds; None for any age.

        >>> PolicySettings(age="7 days").seconds, PolicySettings().seconds
        (604800.0, None)
        """
        if not self.age:
            return None
        number, _, unit = self.age.partition(" ")
        return int(number) * _SECONDS[unit.removesuffix("s")]


__all__ = ["PolicySettings"]
