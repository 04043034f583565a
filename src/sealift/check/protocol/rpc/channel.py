"""A connection of HTTP/2 without encryption, and calls of gRPC on it: a client that waits.

After "gRPC over HTTP2" (the gRPC documents) and RFC 9113. What a client's library hides, such as
half a message or a stream that is given up, can be sent.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error, StreamClosedError
from h2.settings import SettingCodes
from hpack.exceptions import HPACKError

from sealift import clock
from sealift.check.protocol.rpc.call import Heard
from sealift.check.protocol.rpc.frames import DATA, HEADERS, Cutter, Frame

_CONFIG = H2Configuration(client_side=True, header_encoding="latin-1")
_WINDOW = 1 << 24
_PIECE = 1 << 16
_PING = b"question"


@dataclass
class _Stream:
    """What has come of one call."""

    http: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    reset: int = -1
    ended: bool = False
    after: int = 0

    @property
    def over(self) -> bool:
        return self.ended or self.reset >= 0


class Channel:
    """A connection; a context manager. Raises ``OSError`` where nobody answers."""

    def __init__(self, host: str, port: int, patience: float) -> None:
        self._address = f"{host}:{port}"
        self._patience = patience
        self._streams: dict[int, _Stream] = {}
        self._lost = ""
        self._pinged = False
        self._cutter = Cutter()
        self._socket = socket.create_connection((host, port), timeout=patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._h2 = H2Connection(_CONFIG)
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW})
        self._h2.increment_flow_control_window(_WINDOW)
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def open(self, path: str, metadata: Mapping[str, str]) -> int:
        """Begin a call; its number on the connection."""
        number = self._h2.get_next_available_stream_id()
        self._streams[number] = _Stream()
        kind = {"content-type": "application/grpc", "te": "trailers", **metadata}
        head = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": self._address,
            **kind,
        }
        self._tried(partial(self._h2.send_headers, number, list(head.items())))
        return number

    def send(self, number: int, data: bytes, *, end: bool = True) -> None:
        """Send bytes of a call, as the server makes room; no more once it has answered."""
        rest = memoryview(data)
        until = clock.monotonic() + self._patience
        while rest and not self._over(number):
            size = min(
                len(rest),
                self._h2.local_flow_control_window(number),
                self._h2.max_outbound_frame_size,
            )
            if size > 0:
                piece, rest = bytes(rest[:size]), rest[size:]
                self._tried(partial(self._h2.send_data, number, piece))
            if not self._listen(until, wait=size <= 0):
                return
        if end and not self._over(number):
            self._tried(partial(self._h2.end_stream, number))

    def give_up(self, number: int) -> None:
        """Reset a call, as a client does that does not want its answer any more."""
        if not self._over(number):
            self._tried(partial(self._h2.reset_stream, number, ErrorCodes.CANCEL))

    def answer(self, number: int, messages: int = 0) -> Heard:
        """What comes back until the call ends, or as many messages have come (0: it must end)."""
        until = clock.monotonic() + self._patience
        while not self._over(number) and not (
            messages and _whole(self._streams[number].data) >= messages
        ):
            if not self._listen(until, wait=True):
                break
        one = self._streams[number]
        return Heard(
            http=one.http,
            headers=dict(one.headers),
            trailers=dict(one.trailers or one.headers),
            data=bytes(one.data),
            reset=one.reset,
            after=one.after,
            lost=self._lost or ("" if one.ended else "it did not come in time"),
        )

    def ping(self) -> bool:
        """Whether the other side answers on the connection itself."""
        self._pinged = False
        self._tried(partial(self._h2.ping, _PING))
        until = clock.monotonic() + self._patience
        while not self._pinged and self._listen(until, wait=True):
            pass
        return self._pinged

    def _over(self, number: int) -> bool:
        one = self._streams[number]
        return one.over or bool(self._lost)

    def _tried(self, what: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(StreamClosedError):  # its end or reset is read in a moment
                what()
            self._flush()
        except H2Error as error:
            self._lost = self._lost or f"{type(error).__name__}: {error}"

    def _listen(self, until: float, *, wait: bool) -> bool:
        """Take what has come, or wait for something; whether it makes sense to go on."""
        left = until - clock.monotonic()
        if self._lost or left <= 0:
            return False
        try:
            if not select.select([self._socket], [], [], left if wait else 0)[0]:
                return not wait
            data = self._socket.recv(_PIECE)
            if not data:
                self._lost = "the server closed the connection"
                return False
            for frame in self._cutter.cut(data):
                self._receive(frame)
        except (OSError, H2Error, HPACKError) as error:
            self._lost = f"{type(error).__name__}: {error}"
            return False
        self._flush()
        return True

    def _receive(self, frame: Frame) -> None:
        one = self._streams.get(frame.stream)
        if one is None or not one.over or frame.kind not in (DATA, HEADERS):
            for event in self._h2.receive_data(frame.whole):
                self._take(event)
            return
        one.after += 1  # h2 would end the connection, and with it what can still be learnt
        if frame.kind == HEADERS:
            self._h2.decoder.decode(frame.block)  # keeps the compression of later headers in step

    def _take(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated) and event.error_code:
            self._lost = self._lost or f"the server ended the connection ({event.error_code})"
        elif isinstance(event, PingAckReceived):
            self._pinged = True
        if not isinstance(
            event, ResponseReceived | TrailersReceived | DataReceived | StreamEnded | StreamReset
        ):
            return
        one = self._streams[event.stream_id]
        if isinstance(event, ResponseReceived):
            one.headers = {str(name): str(value) for name, value in event.headers}
            one.http = int(one.headers.get(":status", "0"))
        elif isinstance(event, TrailersReceived):
            one.trailers = {str(name): str(value) for name, value in event.headers}
        elif isinstance(event, DataReceived):
            one.data += event.data
            with contextlib.suppress(StreamClosedError):  # a reset came behind it
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            one.reset = int(event.error_code)
        else:
            one.ended = True

    def _flush(self) -> None:
        try:
            self._socket.sendall(self._h2.data_to_send())
        except OSError as error:
            self._lost = self._lost or f"{type(error).__name__}: {error}"


def _whole(data: bytes | bytearray) -> int:
    """How many messages are whole."""
    count = place = 0
    while place + 5 <= len(data):
        place += 5 + int.from_bytes(data[place + 1 : place + 5], "big")
        count += place <= len(data)
    return count


__all__ = ["Channel"]
