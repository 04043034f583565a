"""The table ``[from_image]`` of the project file: for images of others that are brought in."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sealift.record.section import Section, Text

Variable = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        extra={"write": "letters, digits and underscores, such as 'LOG_LEVEL'"},
    ),
]
"""The name of an environment variable."""

Path = Annotated[
    str,
    Meta(pattern=r"^/[^\s?#]*$", extra={"write": "an absolute path, such as '/v2/health/ready'"}),
]

Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]


class TensorSettings(Section, frozen=True):
    """An input of the model, where its server does not describe it."""

    datatype: Annotated[Datatype, Meta(description="As the Open Inference Protocol names it.")]
    shape: Annotated[
        list[Annotated[int, Meta(ge=-1)]],
        Meta(description="The number of rows first, which is -1, as in [-1, 4]."),
    ]


class FromImageSettings(Section, frozen=True):
    """How the server of an image that is brought in is started and asked.

    In `command`, `args` and `env`, `{port}` stands for the port that it has to listen on, `{host}`
    for the address, `{port2}` to `{port9}` for further free ports.
    """

    command: Annotated[
        list[Text] | None, Meta(description="In place of the image's own entry point.")
    ] = None
    args: Annotated[
        list[Text] | None, Meta(description="In place of the arguments that the image has.")
    ] = None
    env: Annotated[
        dict[Variable, str],
        Meta(description="Environment variables, such as PORT = '{port}'; never put secrets here."),
    ] = field(default_factory=dict)
    scratch: Annotated[
        list[Path],
        Meta(description="Folders that it has to write; they are empty, and gone when it ends."),
    ] = field(default_factory=list)
    live: Annotated[Path, Meta(description="What answers with 200 while it lives.")] = (
        "/v2/health/live"
    )
    ready: Annotated[Path, Meta(description="What answers with 200 once it is ready.")] = (
        "/v2/health/ready"
    )
    budget: Annotated[
        int, Meta(ge=1, le=180, description="Seconds within which it has to be ready.")
    ] = 60
    model: Annotated[
        str, Meta(description="The model's name there; found out where there is only one.")
    ] = ""
    inputs: Annotated[
        dict[Text, TensorSettings],
        Meta(description="The model's inputs, where the server does not describe them."),
    ] = field(default_factory=dict)
    prediction: Annotated[
        str, Meta(description="The output that is the answer; the first where none is named.")
    ] = ""
    task: Annotated[
        Literal["regression", "classification", "other"],
        Meta(description="What the model predicts."),
    ] = "other"
    ignore: Annotated[
        list[Text], Meta(description="Columns of the table of examples that are no inputs.")
    ] = field(default_factory=list)
    tolerance: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="How far the same question's answers may lie apart, relative to "
            "max(1, |answer|), before the model counts as one that does not repeat itself.",
        ),
    ] = 1e-5


__all__ = ["FromImageSettings", "TensorSettings", "Variable"]
