"""Which framework wrote a model's file, told by its first bytes or by what lies in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Literal

from sealift.formats import keras, packed, skops
from sealift.formats.evidence import Finding

Form = Literal["pickle", "skops", "xgboost", "lightgbm", "torch", "keras", "onnx", ""]

HEAD = 1 << 16
_XGBOOST = re.compile(rb'\{\s*"learner"\s*:|\{L\0{7}\x07learner')
_LIGHTGBM = re.compile(rb"tree\r?\nversion=v\d")
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12-\x42]")


def form(path: Path, finding: Finding | None = None) -> Form:
    """The form of the file at ``path``; empty for what is no model that is known here.

    ``finding`` is what a scan says of it, None if it says nothing.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if _XGBOOST.match(head):
        return "xgboost"
    if _LIGHTGBM.match(head):
        return "lightgbm"
    if head.startswith(keras.HDF5):
        return "keras"
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    if finding is not None and (head.startswith(b"\x80") or packed.compression(head)):
        return "pickle"
    if _ONNX.match(head):
        return "onnx"
    return "pickle" if finding is not None else ""


def _archive(path: Path) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    # the third is what zipfile raises for a compression that this Python does not have
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return ""
    if skops.SCHEMA in names:
        return "skops"
    if any(name.endswith("/data.pkl") for name in names):
        return "torch"
    return "keras" if "model.weights.h5" in names else ""


__all__ = ["Form", "form"]
