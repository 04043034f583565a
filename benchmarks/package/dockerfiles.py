"""Rivals that build a Dockerfile: the same packages as ours, from the same lock."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.package import base
from benchmarks.package.builders import Builder
from benchmarks.package.ours import Ours
from benchmarks.package.places import HERE, WORK
from benchmarks.package.registry import beside


@dataclass
class Dockerfile:
    """One builder with one way to install packages: ``pip`` or ``uv``, each with a cache mount."""

    builder: Builder
    installer: str
    ours: Ours
    cold: bool = True
    slow: bool = False

    @property
    def name(self) -> str:
        """Builder and installer."""
        return f"{self.builder.name}, {self.installer}"

    @property
    def version(self) -> str:
        """The builder's."""
        return self.builder.version

    @property
    def context(self) -> Path:
        """The folder that is built."""
        return WORK / "contexts" / f"{self.builder.name}-{self.installer}"

    @property
    def image(self) -> str:
        """The name of what is built, in the builder's own storage."""
        return f"localhost/bench/{self.builder.name}-{self.installer}:latest"

    def prepare(self, reference: str) -> None:
        """Write the folder, fill the cache of packages, push the base image."""
        shutil.rmtree(self.context, ignore_errors=True)
        self.context.mkdir(parents=True)
        source = HERE / "dockerfile"
        shutil.copyfile(source / f"Dockerfile.{self.installer}", self.context / "Dockerfile")
        shutil.copyfile(source / "app.py", self.context / "app.py")
        lines = "".join(f"{line}\n" for line in self.ours.lock.runtime)
        (self.context / "requirements.txt").write_text(lines)
        files = self.context.with_name(f"{self.context.name}-model")
        self.ours.model_files(files)
        (self.context / "model").mkdir()
        shutil.copyfile(files / "model.onnx", self.context / "model" / "model.onnx")
        self.builder.push(base.NAMES[0], beside(reference, "base"))
        self.deliver(reference)

    def forget(self) -> None:
        """The next build is one without cached layers."""
        self.cold = True

    def set_weights(self, weights: Path) -> None:
        """Beside the model."""
        beside = self.context / "model" / "model.onnx.data"
        beside.unlink(missing_ok=True)
        os.link(weights, beside)

    def set_code(self, number: int) -> None:
        """In the program that serves."""
        with (self.context / "app.py").open("a") as module:
            module.write(f"# change {number}\n")

    def deliver(self, reference: str) -> None:
        """Build and push."""
        self.builder.build(self.context, self.image, cold=self.cold)
        self.cold = False
        self.builder.push(self.image, reference)


__all__ = ["Dockerfile"]
