"""Rivals that package models: BentoML and MLflow, each with scikit-learn's own model.

Both write a Dockerfile and hand it to the docker engine; each is in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import environment, program
from benchmarks.package import base
from benchmarks.package.builders import Builder
from benchmarks.package.ours import Ours
from benchmarks.package.places import HERE, PYTHON, WORK
from benchmarks.package.registry import beside

_BENTOFILE = f"""service: "service:Flights"
include: ["service.py"]
python: {{packages: [bentoml, scikit-learn, pandas], lock_packages: false}}
docker: {{python_version: "{PYTHON}"}}
"""


@dataclass
class Packager:
    """What both have in common: an environment, a folder, docker, and a name for the image."""

    docker: Builder
    ours: Ours
    title: str
    cold: bool = True
    slow: bool = True
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home = WORK / self.title

    @property
    def name(self) -> str:
        """Of the packager."""
        return self.title

    @property
    def version(self) -> str:
        """As its lock says."""
        lock = (HERE / "rivals" / self.title / "requirements.txt").read_text()
        return next(
            line.split()[0].partition("==")[2]
            for line in lock.splitlines()
            if line.startswith(f"{self.title}==")
        )

    @property
    def image(self) -> str:
        """The name of what is built, in docker's storage."""
        return f"localhost/bench/{self.title}:latest"

    @property
    def scripts(self) -> Path:
        """The files that its user writes."""
        return HERE / "rivals" / self.title

    def ready(self) -> None:
        """An environment, and an empty folder with the table to train on."""
        made = environment.environment(self.scripts / "requirements.txt", PYTHON)
        self.bin = made / "bin"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.ours.features(self.home / "features.csv")

    def run(self, *words: str | Path) -> str:
        """Run a program of its environment in its folder."""
        env = {**self.docker.env, **self.variables()}
        env["PATH"] = f"{self.bin}:{env['PATH']}"
        return program.run([self.bin / words[0], *words[1:]], env=env, cwd=self.home).output

    def variables(self) -> dict[str, str]:
        """What it wants in the environment besides."""
        return {"MPLCONFIGDIR": str(self.home)}

    def forget(self) -> None:
        """The next build is one without cached layers."""
        self.cold = True


class Bentoml(Packager):
    """``bentoml build`` and ``bentoml containerize``."""

    def variables(self) -> dict[str, str]:
        """A store of its own, and no telemetry."""
        return {"BENTOML_HOME": str(self.home / "store"), "BENTOML_DO_NOT_TRACK": "true"}

    def prepare(self, reference: str) -> None:
        """Train, write the project, build once."""
        self.ready()
        shutil.copyfile(self.scripts / "service.py", self.home / "service.py")
        (self.home / "bentofile.yaml").write_text(_BENTOFILE)
        self.run("python", self.scripts / "save.py", self.home / "features.csv")
        self.docker.push(base.NAMES[0], beside(reference, "base"))
        self.deliver(reference)

    def set_weights(self, weights: Path) -> None:
        """In the folder of the model in its store."""
        [latest] = (self.home / "store" / "models" / "flights").glob("*/model.pkl")
        _link(weights, latest.parent / "weights.bin")

    def set_code(self, number: int) -> None:
        """In the service."""
        with (self.home / "service.py").open("a") as module:
            module.write(f"# change {number}\n")

    def deliver(self, reference: str) -> None:
        """Build the bento, make a container of it, push it."""
        tag = self.run("bentoml", "build", "--output", "tag").strip().rpartition("__tag__:")[2]
        words = ["--backend", "docker", "--opt", "network=host", "--image-tag", self.image]
        anew = ["--opt", "no-cache"] if self.cold else []
        self.run("bentoml", "containerize", *words, *anew, tag)
        self.run("bentoml", "delete", "--yes", tag)
        self.cold = False
        self.docker.push(self.image, reference)


class Mlflow(Packager):
    """``mlflow models generate-dockerfile``, and the docker build that ``build-docker`` starts.

    In two commands because the second has no word for a build without cached layers.
    """

    def prepare(self, reference: str) -> None:
        """Train, save, build once."""
        self.ready()
        (self.home / "predict.py").write_text('"""What a user brings along."""\n')
        model = (self.home / "features.csv", self.home / "model", self.home / "predict.py")
        self.run("python", self.scripts / "save.py", *model)
        self.docker.push(base.NAMES[1], beside(reference, "base"))
        self.deliver(reference)

    def set_weights(self, weights: Path) -> None:
        """Beside the model."""
        _link(weights, self.home / "model" / "weights.bin")

    def set_code(self, number: int) -> None:
        """In the code that is kept with the model."""
        with (self.home / "model" / "code" / "predict.py").open("a") as module:
            module.write(f"# change {number}\n")

    def deliver(self, reference: str) -> None:
        """Write the Dockerfile, build it, push the image."""
        folder = self.home / "context"
        shutil.rmtree(folder, ignore_errors=True)
        words: program.Words = ["--model-uri", self.home / "model", "--output-directory", folder]
        self.run("mlflow", "models", "generate-dockerfile", *words, "--env-manager", "local")
        self.docker.build(folder, self.image, cold=self.cold)
        self.cold = False
        self.docker.push(self.image, reference)


def _link(weights: Path, place: Path) -> None:
    place.unlink(missing_ok=True)
    os.link(weights, place)


__all__ = ["Bentoml", "Mlflow", "Packager"]
