"""What the server does for one model: read a request, check it, ask the model, write the answer.

The four steps are apart, so that others can stand between them or bring other encodings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

import msgspec

from sealift import clock
from sealift.serve import native, rows
from sealift.serve.admission import Room
from sealift.serve.answer import Answer, told
from sealift.serve.artifact import Artifact
from sealift.serve.aside import LONG, Aside
from sealift.serve.batch import Batch, of_rows
from sealift.serve.batcher import Batcher
from sealift.serve.board import Seat
from sealift.serve.call import Call
from sealift.serve.cost import Cost
from sealift.serve.encode import BINARY, Encoder, in_json
from sealift.serve.equality import Proof
from sealift.serve.flagged import counted
from sealift.serve.gathering import Gathering
from sealift.serve.guard import Guard
from sealift.serve.inplace import InPlace
from sealift.serve.limits import Limits
from sealift.serve.messages import HEADER_LENGTH, binary_from
from sealift.serve.metrics import Metrics
from sealift.serve.noting import Noting
from sealift.serve.orders import Orders
from sealift.serve.predict import Predictor, Result
from sealift.serve.protocol import Asked, Protocol
from sealift.serve.quick import Quick
from sealift.serve.ready import Certified, Readiness
from sealift.serve.recorder import Answered, Recorder
from sealift.serve.refusal import RefusalError
from sealift.serve.repository import UNLOADED, Repository
from sealift.serve.statistics import Statistics
from sealift.serve.tensors import Packer, sized

_KINDS = (rows.JSON, BINARY)

T = TypeVar("T")
Writer = Callable[[Encoder, Asked, Result, dict[str, Any]], T]
"""Makes the answer; what goes last is its ``model_name``, ``model_version`` and ``id``."""


class _Loaded(msgspec.Struct, frozen=True):
    packer: Packer
    gathering: Gathering | None
    protocol: Protocol
    quick: Quick
    encoder: Encoder
    predictor: Predictor


class Service:
    """Answers what is asked about one model; each method is one kind of request."""

    def __init__(
        self,
        artifact: Artifact,
        readiness: Readiness,
        recorder: Recorder | None,
        limits: Limits,
        seat: Seat,
        *,
        guard: Guard,
        control: bool = False,
    ) -> None:
        self.readiness = readiness
        self.metrics = Metrics(seat)
        self.name = artifact.identity.name
        self.version = str(artifact.identity.version)
        self._number = artifact.identity.version
        self.room = Room(limits.room)
        self.aside = Aside()
        self.reload: Callable[[], Awaitable[None]] | None = None
        self.comparing: asyncio.Task[None] | None = None
        self.artifact = artifact
        self.recorder = recorder
        self.limits = limits
        self.guard = guard
        self.repository = Repository(self.name, self.version, readiness, control=control)
        self._statistics = Statistics(seat, self.name, self.version)
        self._orders = Orders(seat, self.name)
        self._obeying: asyncio.Task[None] | None = None
        self._platform = "python" if artifact.program else "onnx_onnxv1"
        self._loaded: _Loaded | None = None
        self._batcher: Batcher | None = None

    def install(self, certified: Certified, executor: Executor, lanes: int) -> None:
        """Take a certified model into service."""
        contract, model = self.artifact.contract, certified.model
        inputs = sized(model.inputs, contract)
        datatypes = {tensor.name: tensor.datatype for tensor in model.outputs}
        batcher = self._batcher = Batcher(
            model,
            Cost(certified.call, certified.row),
            executor,
            lanes=lanes,
            patience=self.limits.patience,
            target=self.limits.latency,
            observe=self._called,
        )
        protocol = Protocol(self.guard, certified.packer, inputs, model.outputs)
        noting = Noting(contract, protocol, self._statistics, self.metrics, self.recorder)
        code = native.made(contract, inputs, model.outputs, (self.name, self.version))
        self._loaded = _Loaded(
            certified.packer,
            None if code is None else Gathering(InPlace(code, model, batcher), noting.note),
            protocol,
            Quick(self.guard, certified.packer, inputs, protocol),
            Encoder(datatypes, contract.classes),
            Predictor(contract, self._batcher),
        )

    def join(self, proof: Proof) -> None:
        """Join requests from now on, as far as it was proven that it changes no answer."""
        if self._batcher is not None:
            self._batcher.join(proof.most, proof.samples)

    async def predict(self, call: Call) -> Answer:
        """``POST /predict``: rows by name."""
        loaded = self._begin(call)
        kind = call.kind(rows.KINDS)
        body = self._at_hand(call) or await self._body(call)
        received = clock.monotonic()
        sent, long = (loaded, body, kind), len(body) > LONG
        name, batch = await self.aside.read(self._rows, *sent) if long else self._rows(*sent)
        call.id = name or call.id
        decoded = clock.monotonic()
        result = await loaded.predictor.run(call, batch)
        head = {"id": call.id, "model": self.name, "version": self._number}
        wanted, flags = rows.chosen(call.headers.get("accept") or ""), result.flags
        given, many = (wanted, head, result.predictions, flags), long and flags
        content = await self.aside.read(rows.written, *given) if many else rows.written(*given)
        counts = await self.aside.read(counted, flags) if many else counted(flags)
        self._note(call, loaded, batch, result, (received, decoded), counts)
        return Answer(200, content, kind=wanted)

    def _rows(self, loaded: _Loaded, body: bytes, kind: str) -> tuple[str | None, Batch]:
        given, checked = rows.read(self.guard, body, kind)
        return given, of_rows(self.guard, loaded.packer, checked)

    async def infer(self, call: Call) -> Answer:
        """``POST .../infer``: tensors."""
        self._begin(call)
        call.kind(_KINDS)
        header = call.headers.get(HEADER_LENGTH)
        body = self._at_hand(call) or await self._body(call, binary_from(header))
        # while the body came, the model may have been unloaded
        loaded = self._loaded
        if loaded is None:
            raise self._unready()
        received = clock.monotonic()
        asked = loaded.quick.read(body) if header is None and len(body) < LONG else None
        if asked is None:
            read, texts = loaded.protocol.read, loaded.protocol.texts
            long = len(body) > LONG and (header is None or texts or binary_from(header) > LONG)
            asked = await self.aside.read(read, body, header) if long else read(body, header)
        return await self._answered(call, loaded, asked, received, in_json)

    async def inferred(
        self, call: Call, read: Callable[[Protocol], Asked], write: Writer[T], *, long: bool
    ) -> T:
        """Tensors in any encoding: ``read`` understands the request, ``write`` the answer.

        Reading takes ``long`` where a thread should do it. Raises ``RefusalError``, and whatever a
        failing model raises.
        """
        loaded = self._begin(call)
        received, protocol = clock.monotonic(), loaded.protocol
        asked = await self.aside.read(read, protocol) if long else read(protocol)
        return await self._answered(call, loaded, asked, received, write)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where predictions from tensors are asked for."""
        model = f"/v2/models/{self.name}"
        return f"{model}/infer", f"{model}/versions/{self.version}/infer"

    @property
    def gathering(self) -> Gathering | None:
        """Where plain requests are gathered; None while there is no such place."""
        loaded = self._loaded
        return None if loaded is None or self._orders.pending else loaded.gathering

    async def _answered(
        self, call: Call, loaded: _Loaded, asked: Asked, received: float, write: Writer[T]
    ) -> T:
        call.id = asked.id or call.id
        if asked.timeout:
            call.hurry(asked.timeout)
        if many := asked.batch.marks:
            asked.batch.flags.update(await self.aside.read(many.named))
        decoded = clock.monotonic()
        result = await loaded.predictor.run(call, asked.batch)
        head = {
            "model_name": self.name,
            "model_version": self.version,
            "id": call.id if asked.id is None else asked.id,
        }
        given, flags = (loaded.encoder, asked, result, head), result.flags
        slow = many or loaded.encoder.slow(result.outputs, asked.wanted)
        answer = await self.aside.read(write, *given) if slow else write(*given)
        counts = await self.aside.read(counted, flags) if many else counted(flags)
        self._note(call, loaded, asked.batch, result, (received, decoded), counts)
        return answer

    async def model(self, call: Call) -> Answer:
        """``GET /v2/models/NAME``."""
        described = self._begin(call).protocol.described()
        head = {"name": self.name, "versions": [self.version], "platform": self._platform}
        return told(head | described)

    async def config(self, call: Call) -> Answer:
        """``GET /v2/models/NAME/config``: as much of it as a model has that is not configured."""
        protocol = self._begin(call).protocol
        return told({"name": self.name, "platform": self._platform, **protocol.configured()})

    async def model_ready(self, _call: Call) -> Answer:
        """``GET /v2/models/NAME/ready``."""
        self.heed()
        if not self.readiness.ready:
            raise self._unready()
        return told({"name": self.name, "ready": True})

    async def stats(self, _call: Call) -> Answer:
        """``GET /v2/models/NAME/stats``."""
        return told({"model_stats": [self.statistics()]})

    def statistics(self) -> dict[str, Any]:
        """What the model did, in the words of the statistics extension."""
        return self._statistics.told()

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread of the model."""
        return self._batcher.waiting if self._batcher else 0

    @property
    def joined(self) -> int:
        """The most rows that requests are joined to."""
        return self._batcher.most if self._batcher else 1

    async def load(self, call: Call) -> Answer:
        """``POST /v2/repository/models/NAME/load``; what parameters it has is not looked at."""
        await self._body(call)
        await self.repository.load(self._reload)
        self._orders.give(loaded=True)
        await self._orders.followed()
        return told({})

    async def unload(self, call: Call) -> Answer:
        """``POST /v2/repository/models/NAME/unload``."""
        await self._body(call)
        self.repository.unload()
        self._loaded = None
        self._orders.give(loaded=False)
        return told({})

    def heed(self) -> None:
        """Follow an order to load or unload that another worker was given."""
        if self._batcher is None or self._obeying is not None or not self._orders.pending:
            return
        if self._orders.loaded:
            self._obeying = asyncio.ensure_future(self._load_too())
            return
        self.readiness.set("unloaded", UNLOADED)
        self._loaded = None
        self._orders.follow()

    async def _load_too(self) -> None:
        self.readiness.again()
        await self._reload()
        self._orders.follow()
        self._obeying = None

    def failed(self, call: Call) -> None:
        """Count a prediction that was asked for and not given."""
        self._statistics.refused(clock.monotonic() - call.began)

    def _called(self, rows: int, requests: int, seconds: float) -> None:
        self._statistics.executed(rows, seconds)
        self.metrics.executed(rows, requests)

    def _at_hand(self, call: Call) -> bytes | None:
        return call.at_hand(self.limits.body, self.room)

    async def _body(self, call: Call, place: int = 0) -> bytes:
        return await call.body(self.limits.body, self.room, place)

    def _begin(self, call: Call) -> _Loaded:
        call.model = self.name
        if self._orders.pending:
            self.heed()
        if self._loaded is None:
            raise self._unready()
        call.bound(self.limits.timeout)
        call.hurry_as_told()
        return self._loaded

    def _note(
        self,
        call: Call,
        loaded: _Loaded,
        batch: Batch,
        result: Result,
        reading: tuple[float, float],
        counts: Mapping[str, int],
    ) -> None:
        received, decoded = reading
        now, at = clock.monotonic(), clock.now()
        call.rows = batch.count
        self._statistics.answered(
            batch.count,
            at,
            joined=result.joined,
            read=decoded - received,
            waited=result.started - decoded,
            computed=result.ended - result.started,
            wrote=now - result.ended,
        )
        self.metrics.given(batch.count)
        if result.flags:
            self.metrics.valueless.add(result.predictions.count(None))
            self.metrics.flagged(counts)
        if self.recorder is not None and (kept := self.recorder.chosen(batch.count)):
            outputs = loaded.predictor.recorded(result, kept)
            self.recorder.add(
                Answered(
                    id=call.id,
                    at=at,
                    generation=call.generation,
                    seconds=now - call.began,
                    count=batch.count,
                    kept=kept,
                    rows=batch.rows(kept),
                    outputs=lambda: outputs,
                    flags=result.flags,
                    trace=call.trace.id if call.trace else "",
                )
            )

    async def _reload(self) -> None:
        if self.reload is not None:
            await self.reload()

    def _unready(self) -> RefusalError:
        soon = (("retry-after", "1"),)
        return RefusalError(self.readiness.reason, code="not_ready", status=503, headers=soon)


__all__ = ["Service"]
