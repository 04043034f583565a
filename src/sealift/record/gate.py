"""Gates in the project file: what a model must show to be registered or to take an alias."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from sealift.record.section import Section, Text

Gate = Annotated[
    str,
    Meta(
        pattern=r"^ *(<=|<|>=|>|==) *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *$",
        extra={"write": "one of <=, <, >=, >, == and a number, such as '<= 30'"},
    ),
]
"""What a metric must be: a comparison with a number."""


class Against(Section, frozen=True):
    """How a metric must compare with that of the model that has the alias."""

    difference: Annotated[
        Gate,
        Meta(
            description="What the new model's value less the old one's must be: '<= 0.5' lets an "
            "error grow by half a unit, '>= 0' lets no accuracy be lost."
        ),
    ]
    score: Annotated[
        str,
        Meta(
            description="The column of model.scores whose mean the metric is. With it the "
            "difference must hold at the worse end of its 95% interval."
        ),
    ] = ""


class Slice(Section, frozen=True):
    """What the mean of a score must be in the worst group of rows."""

    by: Annotated[Text, Meta(description="The column of model.scores that names the group.")]
    score: Annotated[Text, Meta(description="The column of model.scores whose mean is judged.")]
    require: Annotated[Gate, Meta(description="What that mean must be in each group.")]
    rows: Annotated[int, Meta(ge=1, description="Rows that a group must have to be judged.")] = 20


class AliasGates(Section, frozen=True):
    """What a model must show before it takes an alias."""

    require: Annotated[
        dict[str, Gate], Meta(description="What metrics must be, such as mae = '<= 30'.")
    ] = field(default_factory=dict)
    against: Annotated[
        dict[str, Against],
        Meta(description="Metrics that are compared with those of the model that has the alias."),
    ] = field(default_factory=dict)
    slices: Annotated[list[Slice], Meta(description="Scores that are judged group by group.")] = (
        field(default_factory=list)
    )


__all__ = ["Against", "AliasGates", "Gate", "Slice"]
