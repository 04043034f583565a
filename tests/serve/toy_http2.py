"""A client of HTTP/2 that sends whatever frames a test makes, right or wrong."""

import socket
import struct

from hpack import Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
KINDS = {
    name: number
    for number, name in enumerate(
        (
            *("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE"),
            *("PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION", "UNKNOWN"),
        )
    )
}
CODES = {
    0: "NO_ERROR",
    1: "PROTOCOL_ERROR",
    3: "FLOW_CONTROL_ERROR",
    5: "STREAM_CLOSED",
    6: "FRAME_SIZE_ERROR",
    7: "REFUSED_STREAM",
    8: "CANCEL",
    9: "COMPRESSION_ERROR",
    11: "ENHANCE_YOUR_CALM",
}
END_STREAM, END_HEADERS, PADDED, PRIORITIZED = 1, 4, 8, 32
INFER = "/inference.GRPCInferenceService/ModelInfer"


def frame(kind, content=b"", stream=0, flags=0, length=None):
    """A frame; ``length`` is what it says of its own."""
    size = len(content) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", KINDS[kind], flags, stream) + content


def words(*numbers):
    """Numbers of 32 bits."""
    return struct.pack(f">{len(numbers)}I", *numbers)


def fields(path=INFER, **more):
    """The fields of a call, encoded so that they depend on nothing sent before."""
    given = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
    } | {name.replace("_", "-"): value for name, value in more.items()}
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode([(name, value, True) for name, value in given.items()], huffman=False)


def opening(stream, path=INFER, ended=False, **more):
    """The frame that begins a call."""
    flags = END_HEADERS | (END_STREAM if ended else 0)
    return frame("HEADERS", fields(path, **more), stream, flags)


def settings(**values):
    """A frame of settings."""
    names = {"table": 1, "push": 2, "window": 4, "frame": 5}
    return frame(
        "SETTINGS", b"".join(struct.pack(">HI", names[name], one) for name, one in values.items())
    )


class Peer:
    """A connection; ``with`` closes it."""

    def __init__(self, server, patience=30, **given):
        self.socket = socket.create_connection(("127.0.0.1", server.grpc), timeout=patience)
        self.rest = b""
        self.send(PREFACE + settings(**given))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, data):
        """Send bytes; what a server that has hung up does not take is gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def frames(self):
        """The frames that come, until the server closes."""
        names = list(KINDS)
        while True:
            while len(self.rest) >= 9:
                size = int.from_bytes(self.rest[:3], "big")
                if len(self.rest) < 9 + size:
                    break
                kind, flags, stream = struct.unpack(">BBI", self.rest[3:9])
                content, self.rest = self.rest[9 : 9 + size], self.rest[9 + size :]
                yield names[kind], flags, stream, content
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return
            if not more:
                return
            self.rest += more

    def until(self, kind, stream=None):
        """The next frame of a kind (of a stream); its flags and content."""
        for found, flags, number, content in self.frames():
            if found == kind and stream in (None, number):
                return flags, content
        raise AssertionError(f"no {kind} came")

    def end(self):
        """Why the server ended the connection."""
        code = "closed"
        for kind, _, _, content in self.frames():
            if kind == "GOAWAY":
                code = CODES[struct.unpack(">II", content[:8])[1]]
        return code

    def reset(self, stream):
        """Why the server ended a stream."""
        return CODES[struct.unpack(">I", self.until("RST_STREAM", stream)[1])[0]]
