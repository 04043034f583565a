"""What the user writes: the typed form of ``sealift.toml``.

Unknown keys are refused; a field's description here is the one in the JSON schema for editors.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sealift.record.check_settings import CheckSettings
from sealift.record.environment import EnvironmentSettings
from sealift.record.from_image import FromImageSettings, Variable
from sealift.record.gate import AliasGates, Gate
from sealift.record.image_settings import ImageSettings
from sealift.record.names import Alias, FileDigest, Name, Word
from sealift.record.network import NetworkSettings
from sealift.record.policy import PolicySettings
from sealift.record.section import Section, Text
from sealift.types import Scalar

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Source(Section, frozen=True):
    """A place where data lies."""

    uri: Annotated[
        Text,
        Meta(description="A file, folder or glob: below the project folder, or absolute."),
    ]


class Step(Section, frozen=True):
    """A command that reads inputs and writes outputs, in a container."""

    run: Annotated[
        Text,
        Meta(
            description="Shell line; {name} stands for a parameter, {{ and }} for braces. "
            "It ends at the first command that fails."
        ),
    ]
    reads: Annotated[list[str], Meta(description="Inputs: 'data.NAME' or 'STEP.OUTPUT'.")] = field(
        default_factory=list
    )
    writes: Annotated[
        dict[Word, Text],
        Meta(
            description="Outputs: a name, and the path that the command writes. The output "
            "'metrics' is a JSON file of numbers."
        ),
    ] = field(default_factory=dict)
    tolerance: Annotated[
        dict[Word, Annotated[float, Meta(ge=0, lt=1)]],
        Meta(
            description="By output, the relative difference of numbers that does not matter when "
            "`sealift reproduce` compares; by default none."
        ),
    ] = field(default_factory=dict)
    code: Annotated[
        list[str] | None,
        Meta(description="Files and folders of the project that the command sees; default all."),
    ] = None
    image: Annotated[
        str,
        Meta(
            description="An image of others to run in, in place of the project's own: "
            "HOST/REPOSITORY:TAG, oci:FOLDER, oci-archive:FILE or docker-archive:FILE. It has to "
            "have /bin/sh."
        ),
    ] = ""
    params: Annotated[
        dict[Word, Scalar],
        Meta(
            description="Parameters and their default values. 'seed' is also given to the "
            "command as SEALIFT_SEED."
        ),
    ] = field(default_factory=dict)
    matrix: Annotated[
        dict[Word, Annotated[list[Scalar], Meta(min_length=1)]],
        Meta(
            description="Values of parameters: the step runs for every combination of them. Steps "
            "that read its outputs get a folder with one entry for each, such as 'depth=4'."
        ),
    ] = field(default_factory=dict)
    when: Annotated[
        dict[str, Gate],
        Meta(
            description="Conditions on metrics of other steps, such as 'train.mae' = '<= 30'; else "
            "the step, and all that need it, are skipped."
        ),
    ] = field(default_factory=dict)
    env: Annotated[
        dict[Variable, str], Meta(description="Environment variables; never put secrets here.")
    ] = field(default_factory=dict)
    secrets: Annotated[
        dict[
            Variable,
            Annotated[
                str,
                Meta(
                    pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
                    extra={"write": "'env:NAME' or 'file:PATH'"},
                ),
            ],
        ],
        Meta(
            description="Variables whose values are read when the step starts and kept nowhere: "
            "'env:NAME' for a variable, 'file:PATH' for a file."
        ),
    ] = field(default_factory=dict)
    cpus: Annotated[float, Meta(gt=0, description="Processor cores it may use.")] = 1.0
    memory: Annotated[
        str,
        Meta(
            pattern=r"^([1-9][0-9]{0,9}(KiB|MiB|GiB))?$",
            extra={"write": "a number of KiB, MiB or GiB, such as '4GiB'"},
            description="Memory limit, such as 4GiB.",
        ),
    ] = ""
    gpus: Annotated[
        Annotated[int, Meta(ge=0, le=64)] | Literal["all"],
        Meta(
            extra={"write": "a number from 0 to 64, or 'all'"},
            description="Graphics cards it gets: a number, or 'all' that the machine has.",
        ),
    ] = 0
    network: Annotated[bool, Meta(description="Whether the command may reach the network.")] = False
    retries: Annotated[int, Meta(ge=0, le=20, description="Further attempts after a failure.")] = 0
    backoff: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds before the first of these; doubled before each that follows.",
        ),
    ] = 1.0
    checkpoints: Annotated[
        bool,
        Meta(
            description="Whether /checkpoints is there: a folder that outlives the container, for "
            "a command that goes on from where it was when it is started again."
        ),
    ] = False
    curves: Annotated[
        bool,
        Meta(
            description="Whether SEALIFT_METRICS names a file for the points of curves, and Python "
            "scripts can import sealift to write them."
        ),
    ] = False
    timeout: Annotated[int, Meta(ge=0, description="Seconds it may run; 0 for no limit.")] = 0

    @property
    def memory_bytes(self) -> int | None:
        """The memory limit in bytes; None for no limit.

        >>> Step(run="true", memory="2KiB").memory_bytes
        2048
        """
        return int(self.memory[:-3]) * UNITS[self.memory[-3:]] if self.memory else None


class PipelineSettings(Section, frozen=True):
    """Steps that stand in another file, and become steps NAME-STEP of this project."""

    file: Annotated[Text, Meta(description="The file, below the project folder; steps alone.")]
    inputs: Annotated[
        dict[Word, Text],
        Meta(
            description="What 'inputs.WORD' stands for in that file: 'data.NAME' or 'STEP.OUTPUT'."
        ),
    ] = field(default_factory=dict)
    params: Annotated[
        dict[Word, Scalar],
        Meta(description="Values of parameters of its steps, in place of their defaults."),
    ] = field(default_factory=dict)


class FieldRule(Section, frozen=True):
    """What the user knows about an input field beyond what the data shows."""

    minimum: Annotated[float | None, Meta(description="Smallest legal value.")] = None
    maximum: Annotated[float | None, Meta(description="Largest legal value.")] = None
    closed: Annotated[
        bool, Meta(description="Refuse categories that the training data does not hold.")
    ] = False
    nullable: Annotated[bool | None, Meta(description="Whether null is legal.")] = None


Task = Literal["regression", "classification"]


class ModelSettings(Section, frozen=True, rename={"origin": "from"}):
    """Which output is the model, and what it must achieve to be registered."""

    origin: Annotated[
        str,
        Meta(
            description="The step output that is the model: an ONNX file, a folder with "
            "model.onnx, or a model of scikit-learn, XGBoost or LightGBM, which is converted; with "
            "predict, whatever that loads. Written 'STEP.OUTPUT'."
        ),
    ]
    task: Annotated[Task, Meta(description="What the model predicts: a number or a class.")]
    table: Annotated[
        str,
        Meta(
            description="The step output (CSV) whose rows the model was trained on; the contract, "
            "the reference profile and the golden vectors are learnt from it."
        ),
    ]
    target: Annotated[str, Meta(description="The column of the table that is predicted.")]
    predict: Annotated[
        str,
        Meta(
            description="A program of your own that loads the model and predicts: a Python file of "
            "the project, or a folder with predict.py."
        ),
    ] = ""
    ignore: Annotated[list[str], Meta(description="Columns of the table that are not inputs.")] = (
        field(default_factory=list)
    )
    require: Annotated[
        dict[str, Gate],
        Meta(description="Gates on metrics, such as mae = '<= 30'; else nothing is registered."),
    ] = field(default_factory=dict)
    scores: Annotated[
        str,
        Meta(
            description="The step output (CSV) with a line for each row that the model was judged "
            "on: scores, and columns that say what kind of row it is. Gates of aliases use it."
        ),
    ] = ""
    gates: Annotated[
        dict[Alias, AliasGates],
        Meta(description="By alias, what a model must show before it takes it."),
    ] = field(default_factory=dict)
    allow: Annotated[
        list[FileDigest],
        Meta(
            description="Digests (SHA-256) of model files that may run code when they are loaded, "
            "such as pickles; such a file is refused unless its digest stands here."
        ),
    ] = field(default_factory=list)
    batch_tolerance: Annotated[
        float,
        Meta(ge=0, le=0.01, description="Relative difference that joining requests may make."),
    ] = 0.0
    fields: Annotated[dict[str, FieldRule], Meta(description="Rules for single input fields.")] = (
        field(default_factory=dict)
    )


GuardName = Literal["errors", "latency_p99", "mae", "mse", "error_rate"]


class GuardSettings(Section, frozen=True):
    """How much worse a new version may be in one respect."""

    margin: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]+(\.[0-9]+)?%$",
            extra={"write": "a percentage, such as '2%'"},
            description="Largest harmless worsening: percentage points for errors and "
            "error_rate, percent of the stable version's value for the others.",
        ),
    ]


class ReleaseSettings(Section, frozen=True):
    """How a new version takes over, and which report its image must have."""

    policy: Annotated[
        PolicySettings, Meta(description="What the report of an image's checks must be.")
    ] = field(default_factory=PolicySettings)

    strategy: Annotated[
        Literal["blue-green", "canary"], Meta(description="All at once, or by growing shares.")
    ] = "canary"
    stages: Annotated[
        list[Annotated[int, Meta(ge=1, le=99)]],
        Meta(description="Canary shares of the traffic in percent, in order."),
    ] = field(default_factory=lambda: [10, 50])
    stage_requests: Annotated[
        int, Meta(ge=1, description="Answers of the new version that a stage must see.")
    ] = 200
    guard: Annotated[
        dict[GuardName, GuardSettings],
        Meta(description="What must be shown to be not worse; errors is always guarded."),
    ] = field(default_factory=lambda: {"errors": GuardSettings(margin="1%")})
    alpha: Annotated[
        float,
        Meta(
            gt=0,
            lt=0.5,
            description="Bound on the probability of rolling back a healthy version, "
            "and of promoting a harmful one.",
        ),
    ] = 0.05
    limit: Annotated[
        int, Meta(ge=1, description="Seconds after which an undecided release ends.")
    ] = 86_400
    undecided: Annotated[
        Literal["rollback", "hold"],
        Meta(description="What happens at the limit: back to the stable version, or stay."),
    ] = "rollback"


class EngineSettings(Section, frozen=True):
    """What runs the containers."""

    name: Annotated[
        Literal["auto", "bubblewrap", "podman", "docker"], Meta(description="Container engine.")
    ] = "auto"
    args: Annotated[
        list[str], Meta(description="Further arguments of podman's or docker's run command.")
    ] = field(default_factory=list)


class CacheSettings(Section, frozen=True):
    """Where a team shares what its steps gave."""

    shared: Annotated[
        str,
        Meta(
            description="A folder that all see, as an absolute path; s3://BUCKET/PREFIX; or "
            "HOST/REPOSITORY of a registry. Whoever can write there decides what steps come to."
        ),
    ] = ""
    write: Annotated[
        bool, Meta(description="Whether steps that ran here are put there, or only taken.")
    ] = True
    checkpoints: Annotated[
        int,
        Meta(
            ge=0,
            description="Seconds between two times that the checkpoints of a step at work are put "
            "there, for another machine to go on from; 0: they are not.",
        ),
    ] = 60


class ServeSettings(Section, frozen=True):
    """The address of the service."""

    port: Annotated[
        int, Meta(ge=0, le=65_535, description="Port of the stable address; 0 picks a free one.")
    ] = 0


class Project(Section, frozen=True):
    """The whole of ``sealift.toml``."""

    name: Annotated[Name, Meta(description="Name of the project and of its service.")]
    data: Annotated[dict[Name, Source], Meta(description="Datasets by name.")] = field(
        default_factory=dict
    )
    image: Annotated[ImageSettings, Meta(description="Packages of the images.")] = field(
        default_factory=ImageSettings
    )
    steps: Annotated[dict[Name, Step], Meta(description="Steps by name.")] = field(
        default_factory=dict
    )
    pipelines: Annotated[
        dict[Name, PipelineSettings], Meta(description="Steps of other files, by a name for each.")
    ] = field(default_factory=dict)
    model: Annotated[ModelSettings | None, Meta(description="The model.")] = None
    from_image: Annotated[
        FromImageSettings, Meta(description="How images of others are started and asked.")
    ] = field(default_factory=FromImageSettings)
    check: Annotated[CheckSettings, Meta(description="What is demanded of images.")] = field(
        default_factory=CheckSettings
    )
    release: Annotated[ReleaseSettings, Meta(description="How versions take over.")] = field(
        default_factory=ReleaseSettings
    )
    engine: Annotated[EngineSettings, Meta(description="The container engine.")] = field(
        default_factory=EngineSettings
    )
    cache: Annotated[CacheSettings, Meta(description="The cache of the team.")] = field(
        default_factory=CacheSettings
    )
    serve: Annotated[ServeSettings, Meta(description="The service's address.")] = field(
        default_factory=ServeSettings
    )
    network: Annotated[
        NetworkSettings, Meta(description="How packages and registries are reached.")
    ] = field(default_factory=NetworkSettings)
    environments: Annotated[
        dict[Name, EnvironmentSettings],
        Meta(description="Where the project runs beside this machine, by name."),
    ] = field(default_factory=dict)
