"""Where an image comes from: SLSA provenance v1, the predicate of an in-toto statement.

Source: slsa.dev/spec/v1.0/provenance; the build type is told in docs/evidence.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from packageurl import PackageURL

import sealift
from sealift import clock, digest
from sealift.errors import IntegrityError
from sealift.package import card, making
from sealift.package.making import Distribution, Making
from sealift.record.lock import Built
from sealift.record.pin import pinned
from sealift.types import Digest, Json

BUILD_TYPE = "urn:sealift:build:v1"
BUILDER = "urn:sealift:builder:v1"
LOCK_NAME = "sealift.lock"


def predicate(made: Making) -> dict[str, Json]:
    """What is said of an image; the same run, lock and image give the same."""
    run = made.run
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _parameters(made),
            "internalParameters": {"seeds": msgspec.to_builtins(run.seeds)},
            "resolvedDependencies": list(_dependencies(made)),
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {"sealift": sealift.__version__}},
            "metadata": {
                "invocationId": run.id,
                "startedOn": clock.stamp(run.started),
                "finishedOn": clock.stamp(run.started if run.finished is None else run.finished),
            },
        },
    }


class _Material(msgspec.Struct, frozen=True):
    name: str = ""
    digest: dict[str, str] = {}


class _Definition(msgspec.Struct, frozen=True, rename="camel"):
    resolved_dependencies: tuple[_Material, ...]


class _Builder(msgspec.Struct, frozen=True):
    version: dict[str, str] = {}


class _Details(msgspec.Struct, frozen=True):
    builder: _Builder


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    build_definition: _Definition
    run_details: _Details


def told(document: dict[str, Json]) -> tuple[Digest, str]:
    """What a provenance of ours says: the digest of the lock, and the version of Sealift.

    Raises ``IntegrityError`` when it names no lock.
    """
    try:
        said = msgspec.convert(document, _Said)
        materials = said.build_definition.resolved_dependencies
        lock = next(one for one in materials if one.name == LOCK_NAME)
        value = lock.digest["sha256"]
    except (msgspec.ValidationError, StopIteration, KeyError) as error:
        raise IntegrityError(
            "The provenance names no lock.",
            remedy="Package the model again; an image that others built only they can make again.",
        ) from error
    return Digest(f"sha256:{value}"), said.run_details.builder.version.get("sealift", "")


def _parameters(made: Making) -> dict[str, Json]:
    project: dict[str, Json] = {"name": made.run.project}
    if made.project_file:
        project["digest"] = _digest(made.project_file)
    return {
        "project": project,
        "platform": made.image.platform,
        "model": {"name": made.model.name, "version": made.model.version},
        "params": msgspec.to_builtins(made.run.params),
    }


def _dependencies(made: Making) -> Iterator[Json]:
    """All that went in, each by its digest."""
    yield from _code(made)
    for name, kept in sorted(made.run.snapshots.items()):
        yield {"name": f"data/{name}", "uri": kept.uri, "digest": _digest(kept.digest)}
    yield {"name": "step image", "digest": _digest(made.run.image)}
    yield {"name": "model", "digest": _digest(made.model.digest)}
    yield {"name": LOCK_NAME, "digest": _digest(made.lock.digest)}
    if made.run.lock and made.run.lock != made.lock.digest:
        yield {"name": "sealift.lock of the run", "digest": _digest(made.run.lock)}
    if made.lock.foundation:
        yield {"name": "base image", "digest": _digest(made.lock.foundation.image)}
    if one := made.lock.standalone:
        yield {
            "name": "interpreter",
            "uri": making.interpreter_purl(one),
            "digest": {"sha256": one.sha256},
        }
    yield from _packages(made)
    for layer in made.image.layers:
        if layer.role != "model" or card.program(layer):
            yield {
                "name": "program" if layer.role == "model" else f"layer/{layer.role}",
                "digest": _digest(layer.descriptor.digest),
                "mediaType": layer.descriptor.media_type,
            }


def _code(made: Making) -> Iterator[Json]:
    code = made.run.code
    yield {"name": "code", "digest": _digest(code.digest)}
    if code.commit:
        yield {"name": "commit", "digest": {"gitCommit": code.commit}}
    if code.diff:
        yield {"name": "diff", "digest": _digest(digest.of_bytes(code.diff.encode()))}


def _packages(made: Making) -> Iterator[Json]:
    """The locked packages of the layers that are in the image."""
    roles = {layer.role for layer in made.image.layers}
    for deb in sorted(making.debs(made.lock, roles), key=lambda deb: deb.name):
        distribution = Distribution(codename=made.lock.suite)
        purl = making.deb_purl(deb.name, deb.version, deb.arch, distribution)
        yield {"uri": purl, "digest": {"sha256": deb.sha256}}
    for name, pin in sorted(making.pins(made.lock, roles).items()):
        purl = PackageURL("pypi", None, name, pin.version).to_string()
        # a lock with several files for a version does not say which of them was taken; then the
        # digest of the lock stands for all of them
        one: dict[str, Json] = {"uri": purl}
        if len(pin.hashes) == 1:
            one["digest"] = {"sha256": pin.hashes[0]}
        yield one
    for built in making.built(made.lock, roles):
        yield from _sources(built)


def _sources(built: Built) -> Iterator[Json]:
    """What a wheel was built from, and with."""
    yield {
        "name": f"source distribution {built.sdist}",
        "uri": making.sdist_purl(built),
        "digest": {"sha256": built.sha256},
    }
    for line in built.requires:
        name, pin = pinned(line)
        purl = PackageURL("pypi", None, name, pin.version).to_string()
        one: dict[str, Json] = {"name": f"to build {built.name}", "uri": purl}
        if len(pin.hashes) == 1:
            one["digest"] = {"sha256": pin.hashes[0]}
        yield one


def _digest(of: Digest) -> Json:
    algorithm, _, value = of.partition(":")
    return {algorithm: value}


__all__ = ["BUILDER", "BUILD_TYPE", "predicate", "told"]
