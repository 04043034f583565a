"""The image holds no secret: neither in the files of any of its layers nor in its environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sealift.check.check import Check, error, info, spared
from sealift.check.shipped import Shipped
from sealift.check.target import Target
from sealift.record.report import Finding

VARIABLES = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
_LOGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@")
REMEDY = "Take it out of the image, replace it where it is valid, and give it when the server runs."
HIDDEN = (
    "Build the image again without it: whoever has the image has the layer below too. Replace it "
    "where it is valid."
)


def findings(target: Target) -> Iterator[Finding]:
    """Look at the variables that the image sets, then at every file of every layer."""
    for name, value in sorted(target.subject.launch.env.items()):
        if value and (VARIABLES.search(name) or _LOGIN.search(value)):
            yield error("A variable of the image holds a secret.", place=name, remedy=REMEDY)
    if target.papers is None:
        yield spared("the files of the image are not here.")
        return
    root = Path(target.subject.root) if target.subject.root else None
    yield from held(target.shipped, root)
    count = sum(len(layer.files) for layer in target.shipped)
    yield info(f"{count} files in {len(target.shipped)} layers looked at")


def held(layers: Sequence[Shipped], root: Path | None) -> Iterator[Finding]:
    """Every secret in a layer; ``root`` has the files that a container sees."""
    for number, layer in enumerate(layers):
        for path, words in layer.secrets.items():
            above = any(path in one.files for one in layers[number + 1 :])
            hidden = above or (root is not None and not (root / path[1:]).exists())
            where = f"{path} in layer {layer.role}" if hidden else path
            what = (
                "A file that a higher layer hides holds" if hidden else "A file of the image holds"
            )
            yield error(f"{what} {words}.", place=where, remedy=HIDDEN if hidden else REMEDY)


CHECK = Check(
    name="no-secrets",
    shows="Neither the files of any layer nor the variables hold passwords, keys or tokens.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "held"]
