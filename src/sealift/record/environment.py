"""Where a project runs beside this machine: a namespace of a Kubernetes cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sealift.record.bucket import BucketPlace
from sealift.record.section import Section, Text

Label = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        extra={"write": "up to 63 lower-case letters, digits and hyphens, such as 'models'"},
    ),
]
"""The name of an object or a namespace, which is a part of a host name."""

Host = Annotated[
    str,
    Meta(
        pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        max_length=253,
        extra={"write": "a host name in small letters, such as 'delays.example.com'"},
    ),
]

Quantity = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,9}(KiB|MiB|GiB)$",
        extra={"write": "a number of KiB, MiB or GiB, such as '512MiB'"},
    ),
]


Address = Annotated[
    str,
    Meta(
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+/?$",
        extra={"write": "a URL without a path, such as 'http://203.0.113.7:8080'"},
    ),
]


class GatewaySettings(Section, frozen=True):
    """The Gateway (of Gateway API) that requests come through."""

    name: Annotated[Label, Meta(description="Name of the Gateway.")]
    namespace: Annotated[
        Label | None, Meta(description="Its namespace; that of the environment if absent.")
    ] = None
    hosts: Annotated[
        list[Host], Meta(description="Host names of the service; all of the Gateway's if absent.")
    ] = field(default_factory=list)
    address: Annotated[
        Address | None,
        Meta(description="Where this machine reaches it; what it says itself if absent."),
    ] = None


Bucket = Annotated[
    str,
    Meta(
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?$",
        extra={"write": "s3://BUCKET or s3://BUCKET/PREFIX, such as 's3://models/steps'"},
    ),
]


class StoreSettings(Section, frozen=True):
    """Where the inputs, outputs and checkpoints of steps in a cluster are: claims, or a bucket."""

    storage_class: Annotated[
        str, Meta(description="Storage class of the claims; the cluster's usual one if absent.")
    ] = ""
    size: Annotated[
        Quantity,
        Meta(description="Room of a step, on a claim or its node: code, outputs, checkpoints."),
    ] = "10GiB"
    bucket: Annotated[
        Bucket | None,
        Meta(description="Bucket that inputs and outputs go by; registry and claims if absent."),
    ] = None
    endpoint: Annotated[
        Address | None,
        Meta(description="Server of the bucket, for pods and this machine; AWS's if absent."),
    ] = None
    region: Annotated[
        str, Meta(description="Region of the bucket; us-east-1 if absent here and in AWS_REGION.")
    ] = ""
    path_style: Annotated[
        bool,
        Meta(description="Whether the bucket's name is in the path, not before the host's name."),
    ] = True
    secret: Annotated[
        Label | None,
        Meta(
            description="Secret whose AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY open the bucket "
            "to pods; what their nodes may if absent."
        ),
    ] = None
    checkpoints: Annotated[
        Literal["claim", "bucket"] | None,
        Meta(description="Where checkpoints are kept; in the bucket, if there is one."),
    ] = None
    every: Annotated[
        int, Meta(ge=1, le=86_400, description="Seconds between checkpoints put into the bucket.")
    ] = 60

    @property
    def place(self) -> BucketPlace | None:
        """The bucket and how it is reached, if there is one."""
        if self.bucket is None:
            return None
        return BucketPlace(
            address=self.bucket,
            endpoint=self.endpoint or "",
            region=self.region,
            path_style=self.path_style,
        )

    @property
    def claims(self) -> bool:
        """Whether checkpoints are on a claim."""
        return self.bucket is None or self.checkpoints == "claim"


class EnvironmentSettings(Section, frozen=True):
    """A place where the project runs beside this machine."""

    engine: Annotated[Literal["kubernetes"], Meta(description="What runs the containers.")]
    context: Annotated[
        str, Meta(description="Context of the kubeconfig; its current one if absent.")
    ] = ""
    namespace: Annotated[Label, Meta(description="Namespace of the cluster.")] = "default"
    registry: Annotated[
        str, Meta(description="Where the cluster pulls images from; image.registry if absent.")
    ] = ""
    pull_secret: Annotated[
        Label | None, Meta(description="Secret with the registry's credentials.")
    ] = None
    push_secret: Annotated[
        Label | None,
        Meta(description="Secret with which steps' outputs are pushed; pull_secret if absent."),
    ] = None
    store: Annotated[
        StoreSettings, Meta(description="What inputs, outputs and checkpoints of steps go by.")
    ] = field(default_factory=StoreSettings)
    patience: Annotated[
        int, Meta(ge=0, le=604_800, description="Seconds that a step waits for room in a cluster.")
    ] = 60
    gateway: Annotated[
        GatewaySettings | None, Meta(description="The Gateway that leads to the service.")
    ] = None
    replicas: Annotated[int, Meta(ge=1, le=1000, description="Servers of a version, at least.")] = 2
    most: Annotated[
        int, Meta(ge=0, le=10_000, description="Servers of a version under load; 0 for no more.")
    ] = 0
    cpus: Annotated[float, Meta(ge=0.1, le=1024, description="Processor cores of one server.")] = (
        1.0
    )
    memory: Annotated[Quantity, Meta(description="Memory of one server.")] = "512MiB"
    labels: Annotated[
        dict[Text, str], Meta(description="Further labels of everything, such as team = 'web'.")
    ] = field(default_factory=dict)


__all__ = ["EnvironmentSettings", "GatewaySettings", "Host", "Label", "Quantity", "StoreSettings"]
