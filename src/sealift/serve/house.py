"""All models of one server: what is asked of the server as a whole, and which model is meant."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift import __version__
from sealift.serve import page, rows, strict, usage
from sealift.serve.admission import Room
from sealift.serve.answer import Answer, told
from sealift.serve.aside import LONG, Aside
from sealift.serve.board import Seat
from sealift.serve.call import Call
from sealift.serve.limits import Limits
from sealift.serve.metrics import CONTENT_TYPE, Metrics
from sealift.serve.reading import Reader
from sealift.serve.refusal import RefusalError, brief, nearest, some
from sealift.serve.service import Service

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_repository",
    "parameters",
    "statistics",
)


class Index(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request for the index of the repository."""

    ready: bool = False


_INDEX = msgspec.json.Decoder(Index)


def _wanted(body: bytes) -> Index:
    return strict.decode(_INDEX, body, ("ready",)) if body else Index()


class House:
    """The services of a server by the names of their models, and what they have in common.

    Bodies under way share one room, and long ones are read one at a time, whichever model they are
    for.
    """

    def __init__(
        self,
        services: Sequence[Service],
        limits: Limits,
        seat: Seat,
        *,
        server: str = "sealift",
        image: str = "",
    ) -> None:
        self.services = {service.name: service for service in services}
        self.metrics = Metrics(seat)
        self.room = Room(limits.room)
        self._aside = Aside()
        self.ending = False
        self.reader: Reader | None = None
        self._seat = seat
        self.limits = limits
        self._server_name = server
        self._image = image
        self._document = b""
        for service in services:
            service.room = self.room
            service.aside = self._aside

    @property
    def only(self) -> Service | None:
        """The one model, where there is one."""
        return next(iter(self.services.values())) if len(self.services) == 1 else None

    @property
    def ready(self) -> bool:
        """Whether every model is ready but for those that were unloaded, and any is."""
        return not self._unready()

    def named(self, name: str, *, verb: str = "") -> Service:
        """The model of this name. Raises ``RefusalError`` (404) that names those there are.

        ``verb`` is what was to be done with it.
        """
        found = self.services.get(name)
        if found is None:
            failed = f"; it failed to {verb}" if verb else ""
            hint = nearest(name, self.services)
            raise RefusalError(
                f"Request for unknown model: {brief(name)} is not found{failed}.{hint}",
                code="unknown_model",
                status=404,
            )
        return found

    def end(self) -> None:
        """Be ready no more."""
        self.ending = True
        for service in self.services.values():
            service.readiness.set("ending", "The server is ending.")

    def heed(self) -> None:
        """Follow the orders to load or unload that other workers were given."""
        for service in self.services.values():
            service.heed()

    def failed(self, call: Call) -> None:
        """Count a prediction that was asked for and not given."""
        service = self.services.get(call.model)
        if service is not None:
            service.failed(call)

    async def server(self, _call: Call) -> Answer:
        """``GET /v2``."""
        return told(
            {"name": self._server_name, "version": __version__, "extensions": list(EXTENSIONS)}
        )

    async def live(self, _call: Call) -> Answer:
        """``GET /v2/health/live``."""
        return told({"live": True})

    async def readiness(self, _call: Call) -> Answer:
        """``GET /v2/health/ready``."""
        self.heed()
        if reason := self._unready():
            raise RefusalError(
                reason, code="not_ready", status=503, headers=(("retry-after", "1"),)
            )
        return told({"ready": True})

    async def predict(self, _call: Call) -> Answer:
        """``POST /predict`` where there are several models."""
        raise RefusalError(
            f"Several models are served here; ask one of /predict/NAME: {some(self.services)}.",
            code="unknown_model",
            status=404,
        )

    async def stats(self, _call: Call) -> Answer:
        """``GET /v2/models/stats``."""
        return told({"model_stats": [one.statistics() for one in self.services.values()]})

    async def index(self, call: Call) -> Answer:
        """``POST /v2/repository/index``."""
        call.kind((rows.JSON,))
        body = await call.body(self.limits.body, self.room)
        long = len(body) > LONG
        asked = await self._aside.read(_wanted, body) if long else _wanted(body)
        self.heed()
        listed = (one.repository.index(ready=asked.ready) for one in self.services.values())
        return told([entry for one in listed for entry in one])

    async def document(self, _call: Call) -> Answer:
        """``GET /openapi.json``."""
        # by name, so that the layer of the server has it too
        from sealift.serve import catalogue  # noqa: PLC0415

        if not self._document:
            artifacts = [service.artifact for service in self.services.values()]
            self._document = catalogue.document(artifacts)
        return Answer(200, self._document)

    async def page(self, _call: Call) -> Answer:
        """``GET /docs``."""
        return Answer(200, page.PAGE, kind="text/html; charset=utf-8", headers=page.HEADERS)

    async def numbers(self, _call: Call) -> Answer:
        """``GET /metrics``."""
        self.publish()
        board = self._seat.board
        ready, processes = board.ready(), [board.parent, *board.pids()]
        text = self.metrics.text(
            gauges={
                "sealift_ready": int(ready > 0),
                "sealift_workers": board.workers,
                "sealift_batch_rows_limit": max(one.joined for one in self.services.values()),
                "sealift_workers_ready": ready,
                **usage.gauges(processes),
            },
            counters={"process_cpu_seconds_total": sum(map(usage.seconds, processes))},
            info=[
                {
                    "model": one.name,
                    "version": one.version,
                    "image": self._image,
                    "run": one.artifact.identity.run,
                }
                for one in self.services.values()
            ],
            models=[one.statistics() for one in self.services.values()],
        )
        return Answer(200, text.encode(), kind=CONTENT_TYPE)

    def publish(self) -> None:
        """Write on the board what is not counted there."""
        services = self.services.values()
        self._seat.status.set(self.ready, "ready")
        self.metrics.level("sealift_waiting", sum(one.waiting for one in services))
        self.metrics.level("sealift_body_bytes", self.room.taken)
        written = [one.recorder for one in services if one.recorder is not None]
        if written:
            for word in ("written", "dropped", "thinned"):
                count = sum(getattr(one, word) for one in written)
                self.metrics.counted(f"sealift_records_{word}_total", count)

    def _unready(self) -> str:
        """Why the server is not ready; empty when it is."""
        states = [one.readiness for one in self.services.values()]
        if only := self.only:
            return "" if only.readiness.ready else only.readiness.reason
        if not any(one.ready for one in states):
            return states[0].reason
        for name, one in self.services.items():
            if not one.readiness.ready and one.readiness.state != "unloaded":
                return f"{name}: {one.readiness.reason}"
        return ""


__all__ = ["House"]
