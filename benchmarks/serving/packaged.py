"""The model in an image that Sealift packaged, and containers of it, as a release starts them."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import program
from benchmarks.package.places import surroundings
from benchmarks.program import FailedError
from benchmarks.serving import entrants
from benchmarks.serving.model import Made
from benchmarks.serving.places import HERE, WORK
from benchmarks.serving.reference import PROGRAM, Reference
from benchmarks.serving.running import MARK, Running, answering, last
from benchmarks.serving.subject import Subject, as_json
from sealift import clock, loopback
from sealift.ports import Engine
from sealift.record.container import ContainerSpec, Mount
from sealift.record.image import Image
from sealift.record.launch import OWN, RECORDS, filled
from sealift.types import Digest
from sealift.wiring import Wired

MODEL = "/model/model.onnx"
"""Where its file lies in the image."""


@dataclass(frozen=True)
class Packaged:
    """An image in the store of a project, and the engine that this machine runs it with."""

    made: Made
    engine: Engine
    image: Digest

    @contextlib.contextmanager
    def served(self, workers: int = 1) -> Iterator[Running]:
        """A container of the server that gives right answers; it ends with the block.

        Its seconds count from the call of the engine. Raises ``FailedError``.
        """
        subject, rows = self._subject(), self.made.rows.first(2)
        mark, port = clock.token(20), loopback.free_port()
        log = _log("server")
        spec = self._server(port, mark, workers, log)
        began = clock.monotonic()
        container = self.engine.start(spec)
        try:
            # whether it lives is not looked at, which would cost time that is measured
            seconds = answering(port, as_json(subject, rows), rows.labels, began, lambda: True, log)
            yield Running(subject, workers, port, 0, seconds, mark)
        finally:
            self.engine.stop(container, grace=5.0)

    def reference(self) -> Reference:
        """A container whose Python imports onnxruntime, loads the model and ends.

        The seconds are those of the whole container. Raises ``FailedError``.
        """
        log = _log("reference")
        spec = ContainerSpec(
            name="reference",
            image=self.image,
            argv=(OWN.argv[0], "-c", PROGRAM, MODEL),
            network="host",
            log=str(log),
        )
        began = clock.monotonic()
        ended = self.engine.run(spec, timeout=60.0)
        seconds = clock.monotonic() - began
        if ended.status != 0:
            raise FailedError(f"the reference in the image failed: {last(log)}")
        return Reference(seconds, int(log.read_text()))

    def _subject(self) -> Subject:
        return replace(entrants.ours(self.made.ours), words=[], variables={}, grpc=False)

    def _server(self, port: int, mark: str, workers: int, log: Path) -> ContainerSpec:
        """What a release asks an engine for."""
        records = WORK / "container-records"
        shutil.rmtree(records, ignore_errors=True)
        records.mkdir(parents=True)
        launch = filled(OWN, port=port, image=self.image, spare=loopback.free_port)
        own = {"SEALIFT_WORKERS": str(workers), MARK: mark}
        return ContainerSpec(
            name="server",
            image=self.image,
            argv=launch.argv,
            env=launch.env | own,
            mounts=(Mount(source=str(records), target=RECORDS, writable=True),),
            scratch=launch.scratch,
            workdir=launch.workdir,
            network="host",
            log=str(log),
        )


def packaged(made: Made, *, bytecode: bool) -> Packaged:
    """Train and package the model from the command line, as a user does. Raises ``FailedError``.

    What its training step writes are the files that everybody serves. The image brings bytecode
    unless the project file says otherwise.
    """
    root = WORK / ("image" if bytecode else "image-without-bytecode")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    said = (HERE / "tools" / "sealift.toml").read_text()
    more = "" if bytecode else "\n[image]\nbytecode = false\n"
    (root / "sealift.toml").write_text(said + more)
    for name in ("digits.onnx", "digits.csv"):
        shutil.copyfile(made.onnx.with_name(name), root / name)
    program.run(["git", "init", "--quiet", root])  # else the repository around ignores it
    for command in ("train", "package"):
        words: program.Words = [sys.executable, "-m", "sealift", command]
        program.run(words, cwd=root, env=surroundings())
    wired = Wired(root)
    return Packaged(made, wired.engine, wired.ledger.all(Image)[-1].digest)


def _log(name: str) -> Path:
    log = WORK / "logs" / f"container-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    return log


__all__ = ["Packaged", "packaged"]
