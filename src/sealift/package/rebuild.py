"""Making an image again from its lock, and comparing: the proof that it is what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

import msgspec

from sealift.errors import IntegrityError, OfflineError, PackageError, SourceError
from sealift.package import difference, image
from sealift.package.layer import Role
from sealift.package.stack import SERVER, STEPS, Stack
from sealift.ports import Store
from sealift.record.comparison import Compared, Comparison
from sealift.record.image import Descriptor, Layer, Manifest
from sealift.record.lock import Lock
from sealift.types import Digest

_BY = "sealift: "
_BROUGHT = "others built the image that this one stands on"


class _History(msgspec.Struct, frozen=True):
    created_by: str = ""


class _Roots(msgspec.Struct, frozen=True):
    diff_ids: tuple[Digest, ...]


class _Config(msgspec.Struct, frozen=True):
    rootfs: _Roots
    history: tuple[_History, ...] = ()


Press = Callable[[Sequence[Layer], Sequence[Layer]], list[Layer]]
"""Makes, with the interpreter of an image's layers, the bytecode of those that were made again."""


def rebuild(
    wanted: Digest, lock: Lock, stack: Stack, press: Press, store: Store, room: Store
) -> Comparison:
    """Make an image again and compare it with that in ``store``.

    ``stack`` makes layers of the lock, into the store ``room``, and ``press`` bytecode. Layers
    whose packages cannot be had, those of the model, and bytecode that this machine cannot make are
    taken from the image. Raises ``IntegrityError`` when the image was not made by Sealift.
    """
    manifest = store.manifest(wanted)
    there = _layers(manifest, wanted, store)
    roles = list(dict.fromkeys(layer.role for layer in there))
    made: list[Layer] = []
    compared: list[Compared] = []
    for role in roles:
        before = [layer for layer in there if layer.role == role]
        if role == "bytecode":
            again, because = _pressed(before, partial(press, there, list(made)))
        else:
            again, because = _again(role, before, stack)
        made += again
        compared += _compare(role, before, again, because, (store, room))
    notes = manifest.annotations or {}
    steps = "shell" in roles
    config = (
        image.step_config(lock.platform, made, lock.stands)
        if steps
        else image.serving_config(lock.variant, made, notes, lock.stands)
    )
    kept = image.write(room, config, made, None if steps else notes)
    return Comparison(
        image=wanted,
        again=kept.digest,
        platform=lock.platform,
        lock=lock.digest,
        layers=tuple(compared),
    )


def _layers(manifest: Manifest, where: Digest, store: Store) -> list[Layer]:
    """The layers of an image that Sealift made, with the roles that its history tells."""
    with store.open(manifest.config.digest) as blob:
        content = blob.read()
    try:
        config = msgspec.json.decode(content, type=_Config)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"This is no image: {error}.", where=where) from error
    roles = [line.created_by.removeprefix(_BY) for line in config.history]
    known = {*STEPS, *SERVER, "bytecode", "model"}
    if len(roles) != len(manifest.layers) or not known.issuperset(roles):
        raise IntegrityError(
            "The image was not made by Sealift: nothing tells how to make it again.",
            where=where,
            remedy="Name an image that `sealift package` made.",
        )
    found = zip(manifest.layers, config.rootfs.diff_ids, roles, strict=True)
    return [
        Layer(descriptor=one, diff_id=diff_id, role=cast("Role", role))
        for one, diff_id, role in found
    ]


def _again(role: Role, before: list[Layer], stack: Stack) -> tuple[list[Layer], str]:
    """The layers with a role made again, or those before with the reason why they were taken."""
    if role == "model":
        return before, "training makes it"
    try:
        return stack.layers([role]), ""
    except (SourceError, OfflineError) as error:
        return before, error.what


def _pressed(before: list[Layer], press: Callable[[], list[Layer]]) -> tuple[list[Layer], str]:
    """The same for bytecode, which not every machine can make."""
    try:
        return press(), ""
    except PackageError as error:
        return before, error.what


def _compare(
    role: Role,
    before: Sequence[Layer],
    again: Sequence[Layer],
    because: str,
    stores: tuple[Store, Store],
) -> Iterator[Compared]:
    for number in range(max(len(before), len(again))):
        one = before[number].descriptor if number < len(before) else None
        other = again[number].descriptor if number < len(again) else None
        brought = number < len(again) and again[number].reused and role == "base"
        why = because or (_BROUGHT if brought else "")
        yield Compared(
            role=f"{role} {again[number].holds}".rstrip() if other else role,
            image=one.digest if one else None,
            again=other.digest if other else None,
            how="taken" if why else "made",
            because=why,
            differs=_differs(one, other, stores),
        )


def _differs(
    one: Descriptor | None, other: Descriptor | None, stores: tuple[Store, Store]
) -> tuple[str, ...]:
    if one is None or other is None or one.digest == other.digest:
        return ()
    return difference.between(one, other, stores)


__all__ = ["rebuild"]
