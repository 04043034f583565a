"""Image manifests and configurations (image-spec 1.1, config.md), as pure functions of layers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift import clock, digest
from sealift.package.server import ENTRY_POINT, PLACE
from sealift.ports import Store
from sealift.record.image import CONFIG, MANIFEST, Descriptor, Layer, Manifest
from sealift.record.lock import PREFIX, Foundation, Standalone, Variant
from sealift.types import Json

USER = "65532:65532"
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108, the one place that is writable
    "LANG": "C.UTF-8",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports home unless this is set before its import
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}

_SERVER = {
    "PYTHONFAULTHANDLER": "1",  # a crash of native code tells where it was
    "PYTHONPATH": f"/{PLACE}",
}

# what the NVIDIA Container Toolkit puts into a container: the cards, and the driver for computing
_CARD = {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility", "NVIDIA_VISIBLE_DEVICES": "all"}


def step_config(
    platform: str, layers: Sequence[Layer], stands: Foundation | Standalone | None = None
) -> dict[str, Json]:
    """The configuration of the image that steps run in; the command is given with each step."""
    env = _env(_upon(stands, _ENVIRONMENT))
    return _config(platform, layers, {"WorkingDir": "/project", "Env": env})


def serving_config(
    variant: Variant,
    layers: Sequence[Layer],
    labels: dict[str, str],
    stands: Foundation | Standalone | None = None,
) -> dict[str, Json]:
    """The configuration of the image that serves a model."""
    card = _CARD if variant.accelerator == "cuda" else {}
    settings: dict[str, Json] = {
        "Entrypoint": ["/usr/bin/python3", "-m", ENTRY_POINT, "serve"],
        "Env": _env(_upon(stands, {**_ENVIRONMENT, **card, **_SERVER})),
        "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
        "Labels": dict(sorted(labels.items())),
        "StopSignal": "SIGTERM",
        "WorkingDir": "/",
    }
    return _config(variant.platform, layers, settings)


def _config(platform: str, layers: Sequence[Layer], settings: dict[str, Json]) -> dict[str, Json]:
    system, _, arch = platform.partition("/")
    created = clock.stamp(clock.EPOCH)
    history: list[Json] = [
        {"created": created, "created_by": f"sealift: {layer.role}"} for layer in layers
    ]
    return {
        "architecture": arch,
        "config": {"User": USER, **settings},
        "created": created,
        "history": history,
        "os": system,
        "rootfs": {"diff_ids": [str(layer.diff_id) for layer in layers], "type": "layers"},
    }


def _upon(stands: Foundation | Standalone | None, own: dict[str, str]) -> dict[str, str]:
    """The environment of an image that stands on another one, or has an interpreter of its own.

    What is Sealift's own counts, but that lists of places go on with those of the other image.
    """
    if stands is None:
        return own
    if isinstance(stands, Standalone):
        return {**own, "PATH": f"{own['PATH']}:/{PREFIX}/bin"}
    given = dict(one.partition("=")[::2] for one in stands.env)
    lists = {
        name: ":".join(dict.fromkeys([*own[name].split(":"), *given[name].split(":")]))
        for name in ("PATH", "PYTHONPATH")
        if own.get(name) and given.get(name)
    }
    absent = {} if stands.certificates else {"SSL_CERT_FILE": given.get("SSL_CERT_FILE", "")}
    return {name: text for name, text in {**given, **own, **lists, **absent}.items() if text}


def _env(variables: dict[str, str]) -> Json:
    return [f"{name}={value}" for name, value in sorted(variables.items())]


def write(
    store: Store,
    config: dict[str, Json],
    layers: Sequence[Layer],
    annotations: dict[str, str] | None = None,
) -> Descriptor:
    """Write a configuration and a manifest; the manifest's descriptor."""
    manifest = Manifest(
        config=store.put(digest.canonical(config), CONFIG),
        layers=tuple(layer.descriptor for layer in layers),
        annotations=dict(sorted(annotations.items())) if annotations else None,
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)


__all__ = ["USER", "serving_config", "step_config", "write"]
