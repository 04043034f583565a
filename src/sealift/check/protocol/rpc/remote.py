"""The server that is graded over gRPC: what is asked of it, and what it was learnt to serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealift import clock
from sealift.check.protocol.rpc.call import Call, Heard, framed
from sealift.check.protocol.rpc.channel import Channel
from sealift.check.protocol.rpc.contents import TYPED, Given, outputs
from sealift.check.protocol.rpc.messages import METHODS, SERVICE
from sealift.check.protocol.rpc.wire import written
from sealift.check.protocol.server import MOST, PATIENCE, Server
from sealift.check.protocol.tensor import Tensor
from sealift.errors import CheckError, UsageError

INFER = f"/{SERVICE}/ModelInfer"


class Remote:
    """A server at ``HOST:PORT``; each call has a connection of its own, unless one is shared.

    ``model``, ``given`` (tensors that the model takes), ``raw`` (whether it takes them raw alone)
    and ``good_call`` (how it answered them) are found out by ``learn``; ``about`` and ``metadata``
    are the calls that told of the server and of the model. ``rest`` is the same server over HTTP,
    where that is known.
    """

    def __init__(
        self,
        address: str,
        *,
        rest: Server | None = None,
        most: int = MOST,
        patience: float = PATIENCE,
    ) -> None:
        self.place = address.removeprefix("grpc://").rstrip("/")
        host, _, port = self.place.rpartition(":")
        if not host or "/" in host or not port.isdecimal():
            raise UsageError(
                f"{address!r} is no address of a server of gRPC.",
                remedy="Write HOST:PORT, such as 127.0.0.1:8081.",
            )
        self.rest = rest
        self.asked = 0
        self.model = ""
        self.given: tuple[Given, ...] = ()
        self.raw = False
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.versions: list[str] = []
        self.extensions: frozenset[str] = frozenset()
        self.about: Call
        self.metadata: Call
        self.good_call: Call
        self._where = host.strip("[]"), int(port)
        self._most = most
        self._patience = patience

    @property
    def address(self) -> str:
        """Where it is."""
        return f"grpc://{self.place}"

    @property
    def introduced(self) -> str:
        """Its name and version, as it tells them."""
        said = self.about.answer
        return f"{said.get('name', 'unknown')} {said.get('version', '')}".strip()

    @property
    def alive(self) -> bool:
        """Whether it still answers, within some seconds."""
        for _ in range(4):
            if self.ask("ServerLive").answered:
                return True
            clock.sleep(0.5)
        return False

    def channel(self) -> Channel:
        """A connection. Raises ``OSError``, and ``CheckError`` when the bound is reached."""
        self.asked += 1
        if self.asked > self._most:
            raise CheckError(f"More than {self._most} calls would be needed.", where=self.place)
        return Channel(*self._where, self._patience)

    def send(
        self,
        path: str,
        body: bytes,
        *,
        value: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        messages: int = 0,
        note: str = "",
    ) -> Call:
        """Make a call of bytes; of a stream's answers, wait for so many ``messages``."""
        sent = dict(metadata or {})
        try:
            with self.channel() as channel:
                number = channel.open(path, sent)
                channel.send(number, body)
                heard = channel.answer(number, messages)
        except OSError as error:
            heard = Heard(lost=str(error) or type(error).__name__)
        return Call(self.place, path, sent, body, value, heard, note)

    def ask(self, method: str, **value: Any) -> Call:
        """Call a method of the protocol, or one at a path, with a message."""
        path = method if method.startswith("/") else f"/{SERVICE}/{method}"
        return self.send(path, framed(written(METHODS[path][0], value)), value=value)

    def infer(self, value: Mapping[str, Any], **metadata: str) -> Call:
        """Ask for an inference; words of metadata have ``_`` for ``-``."""
        named = {name.replace("_", "-"): one for name, one in metadata.items()}
        body = framed(written(METHODS[INFER][0], value))
        return self.send(INFER, body, value=value, metadata=named)

    def good(
        self, given: Sequence[Given] | None = None, *, raw: bool | None = None, **members: Any
    ) -> dict[str, Any]:
        """A message that this server is known to answer, with other tensors or members."""
        tensors = self.given if given is None else given
        message: dict[str, Any] = {"model_name": self.model}
        if self.raw if raw is None else raw:
            message["inputs"] = [one.head for one in tensors]
            message["raw_input_contents"] = [one.raw for one in tensors]
        else:
            message["inputs"] = [one.typed for one in tensors]
        return {**message, **members}

    def with_input(self, position: int, **members: Any) -> dict[str, Any]:
        """A good message in which one input has other members."""
        message = self.good()
        message["inputs"][position] |= members
        return message

    @property
    def typed(self) -> bool:
        """Whether every input has typed contents."""
        return all(one.datatype in TYPED for one in self.given)

    def known(self) -> dict[str, Given]:
        """The outputs as the good message was answered."""
        try:
            return outputs(self.good_call.answer)
        except ValueError:
            return {}


__all__ = ["INFER", "Remote"]
