"""Which model, image or release is meant: the newest, the one that serves, the one under way."""

from __future__ import annotations

from sealift.errors import NotFoundError
from sealift.package.locking import here
from sealift.record.image import Image
from sealift.record.mark import Mark, Marks
from sealift.record.model import Model
from sealift.record.release import Release
from sealift.record.shape import nearest
from sealift.release.place import releases
from sealift.wiring import Wired


def in_progress(wired: Wired, environment: str = "") -> Release | None:
    """The release that has not ended, if there is one; on this machine, or in an environment."""
    known = releases(wired.ledger, environment)
    return next((one for one in known if one.state != "ended"), None)


def serving(wired: Wired, environment: str = "") -> int | None:
    """The version that the last promoted release brought up; None before the first."""
    known = releases(wired.ledger, environment)
    promoted = [one for one in known if one.outcome == "promoted" and one.left is None]
    return promoted[-1].version if promoted else None


def marks(wired: Wired) -> Marks:
    """What people said of models and runs."""
    return Marks(wired.ledger.all(Mark))


def holder(wired: Wired, alias: str) -> int:
    """The version that has an alias. Raises ``NotFoundError`` that names those there are."""
    held = marks(wired).aliases
    if alias not in held:
        raise NotFoundError(
            f"No model has the alias {alias!r}.",
            remedy=nearest(alias, held, f"Give it: sealift models alias {alias} VERSION."),
        )
    return held[alias]


def number(wired: Wired, word: str | None) -> int | None:
    """The version that a word means: ``7``, ``NAME:7``, ``champion``, ``@champion``,
    ``NAME@champion``; None for none.

    Raises ``NotFoundError`` for an alias that no model has, or the name of another project.
    """
    if word is None:
        return None
    name, sign, rest = word.rpartition("@")
    if not sign:
        name, _, rest = word.rpartition(":")
    if name not in ("", wired.project.name):
        raise NotFoundError(
            f"The models of this project are called {wired.project.name!r}, not {name!r}.",
            where=word,
            remedy=f"Write {wired.project.name}{sign or ':'}{rest}.",
        )
    if not sign and rest.isdecimal():
        return int(rest)
    return holder(wired, rest)


def pick(wired: Wired, version: int | None) -> Model:
    """A model version; None is the newest."""
    if version is not None:
        return wired.ledger.get(Model, version)
    models = wired.ledger.all(Model)
    if not models:
        raise _no_model(wired)
    return models[-1]


def _no_model(wired: Wired) -> NotFoundError:
    if wired.project.model is None:
        return NotFoundError(
            "There is no model yet: sealift.toml has no [model].",
            where=wired.folders.file.name,
            remedy="Add [model] with from, task, table and target, which says what output of a "
            "step is the model; then run `sealift train`.",
        )
    return NotFoundError("There is no model yet.", remedy="Run `sealift train`.")


def image_of(wired: Wired, model: Model) -> Image:
    """The newest serving image of a model version that runs on this machine."""
    if model.origin is not None:
        return wired.ledger.get(Image, model.origin.image)
    built = [image for image in wired.ledger.all(Image) if image.model == model.version]
    if not built:
        raise NotFoundError(
            f"Model {model.version} has no image yet.",
            remedy=f"Run `sealift package --model {model.version}`.",
        )
    fitting = [one for one in built if (one.platform, one.accelerator) == (here(), "cpu")]
    if not fitting:
        raise NotFoundError(
            f"Model {model.version} has an image for {built[-1].platform}, and none for this "
            f"machine, which is {here()}.",
            remedy=f"Add {here()!r} to image.platforms in sealift.toml, and package again.",
        )
    return fitting[-1]


def newest_images(wired: Wired) -> dict[int, Image]:
    """The newest serving image of every model version that has any.

    That of a version that was brought in is the one it came in, which other versions may share.
    """
    images = wired.ledger.all(Image)
    built = {image.model: image for image in images}
    came = {image.digest: image for image in images}
    found = {
        model.version: came.get(model.origin.image) if model.origin else built.get(model.version)
        for model in wired.ledger.all(Model)
    }
    return {version: image for version, image in found.items() if image is not None}


__all__ = [
    "holder",
    "image_of",
    "in_progress",
    "marks",
    "newest_images",
    "number",
    "pick",
    "serving",
]
