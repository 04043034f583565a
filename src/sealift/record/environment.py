"""Where a project runs beside this machine: a namespace of a Kubernetes cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

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


class StoreSettings(Section, frozen=True):
    """What steps write in a cluster, until it was brought from there: a claim for each step."""

    storage_class: Annotated[
        str, Meta(description="Storage class of the claims; the cluster's usual one if absent.")
    ] = ""
    size: Annotated[
        Quantity,
        Meta(description="Size of a step's claim: its code, outputs and checkpoints."),
    ] = "10GiB"


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
        StoreSettings, Meta(description="What steps write there, until it was brought here.")
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
