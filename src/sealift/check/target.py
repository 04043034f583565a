"""The image under test: started the way a release starts it, and ended whatever happens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx
import msgspec

from sealift import clock, digest, process
from sealift.check.answer import Answer
from sealift.check.papers import Papers
from sealift.check.shipped import Shipped, read
from sealift.check.subject import Subject
from sealift.errors import CheckError
from sealift.loopback import HOST, free_port
from sealift.ports import Engine
from sealift.record.container import Container, ContainerSpec
from sealift.record.launch import filled
from sealift.types import Json

KEPT = 20
"""Logs of earlier checks that are kept."""


class Target:
    """A server of an image, on a free port of the loopback.

    ``folder`` receives its log, ``labels`` go onto its containers besides the check's own.
    A context manager: at its end the server is ended. One whose check was killed is ended by
    the next that starts with the same labels.

    ``budget`` is the time in seconds that it may take to be ready (its launch's own if None),
    ``grace`` the time it may take to end. ``papers`` tell what is known of the image beside its
    files; without them, what needs them does not apply.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        engine: Engine,
        folder: Path,
        labels: Mapping[str, str],
        budget: float | None = None,
        grace: float = 10.0,
        papers: Papers | None = None,
    ) -> None:
        self.subject = subject
        self.papers = papers
        self.engine = engine
        self.budget = subject.launch.budget if budget is None else budget
        self.grace = grace
        self.port = free_port()
        self.launch = filled(subject.launch, port=self.port, image=subject.image, spare=free_port)
        self.ready = False
        self.starting: list[Answer] = []
        """Every answer up to that by which it was ready."""
        self._given = labels
        self._labels = {**labels, "sealift.role": "check"}
        self._owner = f"{os.getpid()}:{process.started(os.getpid())}"
        self._container: Container | None = None
        self._name = f"check-{digest.short(subject.image)}-{clock.token(6)}"
        self._log = folder / f"{self._name}.log"
        self._client = httpx.Client(
            base_url=f"http://{HOST}:{self.port}",
            timeout=10.0,
            limits=httpx.Limits(max_connections=512, max_keepalive_connections=64),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self.stop(grace=1.0)

    def spec(self) -> ContainerSpec:
        """What the engine is asked for: what a release asks for, without prediction logs."""
        return ContainerSpec(
            name=self._name,
            image=self.subject.image,
            argv=self.launch.argv,
            env=self.launch.env,
            scratch=self.launch.scratch,
            workdir=self.launch.workdir,
            network="host",
            labels={**self._labels, "sealift.owner": self._owner},
            log=str(self._log),
        )

    def start(self) -> None:
        """Start the server, and end those that earlier checks could not end."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(self._log.parent.glob("*.log"), key=_age)[:-KEPT]:
            old.unlink(missing_ok=True)
        for container in self.engine.find(self._labels):
            pid, _, ticks = container.labels.get("sealift.owner", "").partition(":")
            if not (pid.isdigit() and ticks.isdigit() and process.alive(int(pid), int(ticks))):
                self.engine.stop(container, grace=0)
        self._container = self.engine.start(self.spec())

    def beside(self, environment: Mapping[str, str]) -> Target:
        """Another server of the same image with further variables, which is not started yet."""
        launch = self.subject.launch
        launch = msgspec.structs.replace(launch, env={**launch.env, **environment})
        return Target(
            msgspec.structs.replace(self.subject, launch=launch),
            engine=self.engine,
            folder=self._log.parent,
            labels=self._given,
            budget=self.budget,
            grace=self.grace,
            papers=self.papers,
        )

    def running(self) -> bool:
        """Whether the server's container lives."""
        return self._container is not None and any(
            found.id == self._container.id and found.running
            for found in self.engine.find(self.spec().labels)
        )

    def stop(self, *, grace: float) -> None:
        """End the server: SIGTERM, then SIGKILL after ``grace`` seconds."""
        if self._container is not None:
            self.engine.stop(self._container, grace=grace)

    @cached_property
    def shipped(self) -> tuple[Shipped, ...]:
        """What the layers of the image hold; none where there are no papers."""
        return read(self.subject.image, self.papers.store) if self.papers else ()

    def probe(
        self, source: str, *, network: Literal["none", "host"] = "host", timeout: float = 60.0
    ) -> str:
        """Run Python source in a second container of the same form; what it printed.

        It is killed after ``timeout`` seconds.
        Raises ``CheckError`` when it fails.
        """
        name = f"{self._name}-probe-{clock.token(6)}"
        log = self._log.with_name(f"{name}.log")
        argv = (self.launch.argv[0], "-c", source)
        spec = msgspec.structs.replace(
            self.spec(), name=name, argv=argv, log=str(log), network=network
        )
        done = self.engine.run(spec, timeout=timeout)
        text = log.read_text(errors="replace")
        if done.status != 0:
            raise CheckError(
                f"A look inside a container of the image failed with status {done.status}.",
                where=text.strip()[-200:],
            )
        log.unlink()
        return text

    @property
    def log(self) -> str:
        """The end of what the server wrote to its log."""
        return self.whole_log[-4000:]

    @property
    def whole_log(self) -> str:
        """All that the server wrote to its log."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def last_words(self) -> str:
        """The last line of the server's log that is not about a request, and where it lies."""
        spoken = [line.strip() for line in self.whole_log.split("\n") if line.strip()]
        telling = [line for line in spoken if '"event":"request"' not in line]
        last = (telling or spoken)[-1:]
        return f"{self._log}: {last[0][:300]}" if last else f"{self._log} is empty"

    def get(self, path: str) -> Answer:
        """The answer to a GET. Raises ``CheckError`` when none comes."""
        return self.request("GET", path)

    def post(self, path: str, value: Json, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a POST of a JSON value. Raises ``CheckError`` when none comes."""
        return self.request("POST", path, msgspec.json.encode(value), headers)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to any request. Raises ``CheckError`` when none comes."""
        place = f"{method} {path}"
        kind = {"content-type": "application/json"} if body else {}
        try:
            response = self._client.request(
                method, path, content=body or None, headers={**kind, **(headers or {})}
            )
        except httpx.HTTPError as error:
            raise CheckError(
                f"No answer came: {error or type(error).__name__}.", where=place
            ) from error
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(place, response.status_code, received, response.content)


def _age(log: Path) -> float:
    """When a log was last written; 0 for one that is gone already."""
    try:
        return log.stat().st_mtime
    except FileNotFoundError:
        return 0.0


__all__ = ["Target"]
