"""What a run hands over as its model: looked at before anything is done with it."""

from __future__ import annotations

from pathlib import Path

from sealift.formats.refusal import refuse
from sealift.formats.scan import scan
from sealift.ports import Store
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.types import Digest


def admit(run: Run, settings: ModelSettings, *, store: Store) -> Path:
    """The output that is the model, as a read-only file or folder.

    Raises ``PackageError`` when a file in it would run code when it is loaded and the project file
    does not allow its digest.
    """
    source = store.tree(output(run, settings.origin))
    refuse(scan(source), settings.allow, where=f"output {settings.origin}")
    return source


def output(run: Run, reference: str) -> Digest:
    """The content of an output of a run, which ``STEP.OUTPUT`` names."""
    step, _, name = reference.partition(".")
    return next(one.outputs[name] for one in run.steps if one.name == step)


__all__ = ["admit", "output"]
