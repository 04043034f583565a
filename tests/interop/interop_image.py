"""A real serving image: real packages, and a small model that was learnt as any other."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from sealift.adapters.engines.choice import choose
from sealift.adapters.stores.layout import Layout
from sealift.adapters.table import adapter
from sealift.folders import Folders
from sealift.package.artifact import write_model
from sealift.package.builder import Builder
from sealift.package.index import Faces, faces
from sealift.package.portable import save
from sealift.record.image import Image
from sealift.record.model import Model
from sealift.record.project import Project
from sealift.serve.learn import learn

NAME = "docker.io/library/sums:3"


class Quiet:
    """Says nothing."""

    def step(self, name, status):
        """A piece of work."""

    def say(self, text):
        """A line."""


@dataclass(frozen=True)
class Made:
    """A packaged model: where it lies, and as what."""

    store: Layout
    image: Image
    faces: Faces
    archive: Path
    weights: bytes

    @property
    def manifest(self):
        """The manifest of the serving image."""
        return self.store.manifest(self.image.digest)


def make_for(root, variant):
    """The unpacked image of sums for another platform."""
    image, store, _ = make_fast(root, variant)
    return store.rootfs(image.digest)


def make_fast(root, variant=None):
    """The image of sums, its store, and what runs containers of this machine."""
    image, _, store, engine = _packaged(root, variant)
    return image, store, engine


def make(root):
    """Learn a model of sums, package it and save its image."""
    image, kept, store, _ = _packaged(root)
    save(store, image.digest, NAME, root / "sums.tar")
    return Made(
        store=store,
        image=image,
        faces=faces(store, kept.digest, [image]),
        archive=root / "sums.tar",
        weights=(root / "learnt" / "model.onnx").read_bytes(),
    )


def _packaged(root, variant=None):
    """A model of sums in its image: that, its artifact, their store, and the machine's engine."""
    folders = Folders(root)
    root.mkdir()
    store = Layout(folders.layout, folders.unpacked)
    engine = adapter("engine", choose("auto"))(store, folders.live / "containers", ())
    builder = Builder(Project(name="sums"), folders, store, Quiet(), lambda: engine, variant)
    folder = _learnt(root)
    kept = write_model(store, folder, name="sums", version=3)
    return builder.serving_image(_record(kept, folder)), kept, store, engine


def _learnt(root):
    source, target = root / "in", root / "learnt"
    (source / "model").mkdir(parents=True)
    onnx.save(_sums(), str(source / "model" / "model.onnx"))
    lines = [f"{row},{row * row % 7},{row + row * row % 7}" for row in range(100)]
    (source / "table").write_text("\n".join(["a,b,sum", *lines]) + "\n")
    settings = {"from": "t.m", "table": "t.t", "target": "sum", "task": "regression"}
    (source / "settings.json").write_text(json.dumps(settings))
    learn(source, target)
    (target / "model.onnx").write_bytes((source / "model" / "model.onnx").read_bytes())
    (target / "model.json").write_text('{"name":"sums","run":"r","version":3}')
    return target


def _sums():
    two = [("a", TensorProto.FLOAT, ["N", 1]), ("b", TensorProto.FLOAT, ["N", 1])]
    graph = helper.make_graph(
        [helper.make_node("Sum", ["a", "b"], ["sum"])],
        "sums",
        [helper.make_tensor_value_info(*one) for one in two],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["N", 1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _record(kept, folder):
    contract = json.loads((folder / "contract.json").read_bytes())
    return Model(
        name="sums",
        version=3,
        digest=kept.digest,
        content=kept.digest,
        run="r",
        created=0.0,
        task="regression",
        metrics={},
        contract=contract,
    )
