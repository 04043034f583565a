"""A server of the protocol over gRPC that keeps it, with faults to switch on.

It stands on h2, so that it can break the transport too, and on the messages of Triton's client,
so that the kit's own reading and writing of messages is not tested against itself.
"""

import contextlib
import gzip
import math
import socket
import socketserver
import struct
import threading
from urllib.parse import quote

from google.protobuf import unknown_fields
from google.protobuf.message import DecodeError
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, PingReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error, StreamClosedError
from tritonclient.grpc import service_pb2 as pb

NAME, VERSION = "sums", "1"
SERVICE = "/inference.GRPCInferenceService/"
INPUTS = {"x": ("FP32", 2), "word": ("BYTES", 0), "n": ("INT8", 0)}
INVALID, NOT_FOUND, EXHAUSTED, UNIMPLEMENTED, INTERNAL = 3, 5, 8, 12, 13
LARGEST = 8 << 20
MEMBERS = {"FP32": "fp32_contents", "BYTES": "bytes_contents", "INT8": "int_contents"}
METHODS = {
    "ServerLive": "live",
    "ServerReady": "ready",
    "ModelReady": "model_ready",
    "ServerMetadata": "about",
    "ModelMetadata": "about_model",
    "RepositoryIndex": "index",
    "ModelStatistics": "statistics",
    "ModelConfig": "configuration",
    "ModelInfer": "infer",
}
LETTERS = {"FP32": "f", "FP16": "e", "INT8": "b"}


class EndedError(Exception):
    """A call that ends with a code and a reason."""

    def __init__(self, text, code=INVALID):
        super().__init__(text)
        self.code = code


class HungError(Exception):
    """A call that is never answered."""


def require(fact, text, code=INVALID):
    """End a call."""
    if not fact:
        raise EndedError(text, code)


class Connection(socketserver.BaseRequestHandler):
    """One connection; ``server.faults`` are the faults that are switched on."""

    def faulty(self, name):
        """Whether a fault is switched on."""
        return name in self.server.faults

    def handle(self):
        """Take calls until the client goes."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = H2Configuration(client_side=False, header_encoding="latin-1")
        self.h2 = H2Connection(config)
        self.h2.initiate_connection()
        self.calls = {}
        try:
            while not self.server.dead:
                self.request.sendall(self.h2.data_to_send())
                data = self.request.recv(1 << 16)
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    if not self.took(event):
                        return
        except (OSError, H2Error):
            return

    def took(self, event):
        """Whether the connection goes on after what came."""
        if isinstance(event, RequestReceived):
            self.calls[event.stream_id] = (dict(event.headers), bytearray())
        elif isinstance(event, DataReceived):
            self.calls[event.stream_id][1].extend(event.data)
            with contextlib.suppress(StreamClosedError):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            return self.answered(event.stream_id, *self.calls.pop(event.stream_id))
        elif isinstance(event, StreamReset):
            self.calls.pop(event.stream_id, None)
            return not self.faulty("ends-on-reset")
        elif isinstance(event, PingReceived):
            return not self.faulty("no-ping")
        return True

    def answered(self, number, headers, body):
        """Whether the connection goes on after the answer to a call."""
        kind = headers.get("content-type", "")
        known = kind.startswith("application/grpc") and kind in ("application/grpc", KINDS[0])
        if not (known or self.faulty("any-media")) or (self.faulty("one-media") and kind in KINDS):
            self.h2.send_headers(number, [(":status", "415")], end_stream=True)
            return True
        trailers = [("grpc-status", "0")]
        messages = []
        try:
            messages = self.call(headers, bytes(body))
        except EndedError as error:
            trailers = self.ended(error)
        except HungError:
            return not self.faulty("closes")
        if self.server.dead:
            return False
        with contextlib.suppress(H2Error):  # it was given up meanwhile
            self.send(number, messages, trailers, headers)
        return True

    def ended(self, error):
        """The trailers of an error."""
        code = 2 if self.faulty("all-unknown") else error.code
        text = str(error) if self.faulty("bare-reason") else quote(str(error), safe=" '")
        return [
            ("grpc-status", str(code)),
            *(
                []
                if self.faulty("no-reason")
                else [("grpc-message", text.encode().decode("latin-1"))]
            ),
        ]

    def send(self, number, messages, trailers, headers):
        """An answer."""
        kind = "text/plain" if self.faulty("other-type") else "application/grpc"
        status = "502" if self.faulty("bad-gateway") else "200"
        first = [(":status", status), ("content-type", kind)]
        if not self.faulty("no-accept"):
            first.append(("grpc-accept-encoding", "identity,gzip"))
        if not messages and trailers[0][1] != "0":
            told = [] if self.faulty("no-status") else trailers
            self.h2.send_headers(number, [*first, *told], end_stream=True)
            if self.faulty("answers-twice"):
                self.again(number)
            return
        self.h2.send_headers(number, first)
        for one in messages:
            data = b"\0" + len(one).to_bytes(4, "big") + one
            for place in range(0, len(data), 1 << 14):
                self.h2.send_data(number, data[place : place + (1 << 14)])
        self.h2.send_headers(number, trailers, end_stream=True)

    def again(self, number):
        """The end of an answer once more, behind it, as its bytes: h2 would not send it."""
        block = self.h2.encoder.encode([(":status", "200"), ("grpc-status", "13")])
        head = len(block).to_bytes(3, "big") + b"\x01\x05" + number.to_bytes(4, "big")
        self.request.sendall(self.h2.data_to_send() + 2 * (head + block))

    def call(self, headers, body):
        """The messages that answer a call."""
        self.look(headers)
        path = headers[":path"]
        messages = self.unframed(headers, body)
        if path == SERVICE + "ModelStreamInfer" and not self.faulty("bare"):
            return [self.streamed(one) for one in messages]
        require(len(messages) == 1 or self.faulty("any-number"), "one message", UNIMPLEMENTED)
        message = messages[0] if messages else b""
        if path == "/grpc.health.v1.Health/Check" and not self.faulty("bare"):
            return [self.health(message)]
        if path.endswith("ServerReflectionInfo") and not self.faulty("bare"):
            require("v1alpha" not in path, "old", UNIMPLEMENTED)
            name = b"other" if self.faulty("lists-nothing") else SERVICE.strip("/").encode()
            service = b"\x0a" + bytes([len(name)]) + name
            listed = b"\x0a" + bytes([len(service)]) + service
            return [b"\x32" + bytes([len(listed)]) + listed]
        method = path.removeprefix(SERVICE)
        known = method in METHODS and path.startswith(SERVICE)
        extension = method in ("RepositoryIndex", "ModelStatistics", "ModelConfig")
        if not known or (extension and self.faulty("bare")):
            require(self.faulty("any-method"), f"no method {path}", UNIMPLEMENTED)
            return [b""]
        made = getattr(self, f"on_{METHODS[method]}")(
            self.parsed(getattr(pb, f"{method}Request"), message)
        )
        return [made.SerializeToString()]

    def look(self, headers):
        """Refuse what is known before the message."""
        wait = headers.get("grpc-timeout", "")
        if wait == "1n":
            if self.faulty("hangs"):
                raise HungError
            require(self.faulty("late"), "too late", INTERNAL if self.faulty("odd-late") else 4)
        require(not (wait.endswith("H") and self.faulty("no-hours")), "no such time")
        require(not ("x-own" in headers and self.faulty("no-metadata")), "metadata")

    def unframed(self, headers, body):
        """The messages in the body of a call."""
        coding = headers.get("grpc-encoding", "identity")
        if coding not in ("identity", "gzip"):
            require(self.faulty("any-coding"), f"no coding {coding}", UNIMPLEMENTED)
            return [self.good_body]
        found = []
        while body:
            if len(body) < 5 or len(body) < 5 + int.from_bytes(body[1:5], "big"):
                large = len(body) > 4 and int.from_bytes(body[1:5], "big") > LARGEST
                if self.faulty("any-size") and large:
                    return [self.good_body]
                require(not large, "too large", EXHAUSTED)
                require(self.faulty("cut-off"), "cut off", INTERNAL)
                return [self.good_body]
            size = int.from_bytes(body[1:5], "big")
            found.append(self.plain(body[0], coding, body[5 : 5 + size]))
            body = body[5 + size :]
        return found

    @property
    def good_body(self):
        """What is answered instead of what cannot be read: a valid request."""
        return self.server.last

    def plain(self, flag, coding, message):
        """A message that may be compressed."""
        if not flag:
            return message
        if coding == "identity":
            require(self.faulty("any-flag"), "the flag without an encoding", INTERNAL)
            return gzip.decompress(message)
        try:
            plain = gzip.decompress(message)
        except (OSError, EOFError) as error:
            require(self.faulty("any-bytes"), f"no gzip: {error}", INTERNAL)
            return self.good_body
        if len(plain) > LARGEST and self.faulty("chokes"):
            raise HungError
        require(len(plain) <= LARGEST, "too large", EXHAUSTED)
        return plain[:-1] if self.faulty("cuts-gzip") else plain

    def parsed(self, kind, data):
        """A message. What is none is refused."""
        try:
            message = kind.FromString(data)
        except DecodeError as error:
            if self.faulty("dies"):
                self.server.dead = True
            require(self.faulty("any-message"), f"no message: {error}", INTERNAL)
            return kind.FromString(self.server.last)
        first = data.startswith(b"\n\rno-such-model")
        require(not (first and self.faulty("first-wins")), "no such model", NOT_FOUND)
        new = len(unknown_fields.UnknownFieldSet(message))
        require(not (new and self.faulty("no-new-members")), "unknown member")
        other = len(message.SerializeToString()) != len(data)
        require(not (other and self.faulty("one-form")), "another form")
        return message

    def known(self, name, version=""):
        """Refuse what is not there."""
        require(name == NAME or self.faulty("any-model"), f"no model {name}", NOT_FOUND)
        right = version in ("", VERSION) and not (version and self.faulty("no-versions"))
        require(right or self.faulty("any-version"), f"no version {version}", NOT_FOUND)

    def health(self, message):
        """As the service of health has it: SERVING, or no such service."""
        require(message in (b"",) or self.faulty("any-health"), "no such service", NOT_FOUND)
        return b"\x08\x02" if self.faulty("not-serving") else b"\x08\x01"

    def streamed(self, data):
        """An answer in a stream."""
        try:
            answer = self.on_infer(self.parsed(pb.ModelInferRequest, data))
        except EndedError as error:
            if self.faulty("stream-ends"):
                raise
            return pb.ModelStreamInferResponse(error_message=str(error)).SerializeToString()
        if self.faulty("stream-of-others"):
            return answer.SerializeToString()
        if self.faulty("stream-without-ids"):
            answer.id = ""
        return pb.ModelStreamInferResponse(infer_response=answer).SerializeToString()

    def on_live(self, _):
        """Live."""
        return pb.ServerLiveResponse(live=not self.faulty("not-live"))

    def on_ready(self, _):
        """Ready."""
        return pb.ServerReadyResponse(ready=not self.faulty("not-ready"))

    def on_model_ready(self, asked):
        """Ready, if it is there."""
        if asked.version and self.faulty("version-not-ready"):
            return pb.ModelReadyResponse(ready=False)
        self.known(asked.name, asked.version)
        return pb.ModelReadyResponse(ready=not self.faulty("model-not-ready"))

    def on_about(self, _):
        """About the server."""
        version = "" if self.faulty("no-version-told") else "1"
        name = "other" if self.faulty("other-server") else "sums-server"
        return pb.ServerMetadataResponse(name=name, version=version)

    def on_about_model(self, asked):
        """About the model."""
        self.known(asked.name, asked.version)
        platform = "plain" if self.faulty("plain") else "a_b"
        name = "other" if self.faulty("other-name") else NAME
        told = pb.ModelMetadataResponse(name=name, versions=[VERSION], platform=platform)
        for tensor, (datatype, width) in self.server.inputs.items():
            told.inputs.add(name=tensor, datatype=datatype, shape=[-1, width] if width else [-1])
        kind = "FLOAT" if self.faulty("odd-datatype") else "FP32"
        told.outputs.add(name="sum", datatype=kind, shape=[7] if self.faulty("odd-shape") else [-1])
        told.outputs.add(name="echo", datatype="BYTES", shape=[-1])
        return told

    def on_index(self, _):
        """The only model."""
        told = pb.RepositoryIndexResponse()
        state = "" if self.faulty("no-state") else "READY"
        told.models.add(name=NAME, version=VERSION, state=state)
        return told

    def on_statistics(self, asked):
        """Inferences."""
        self.known(asked.name)
        told = pb.ModelStatisticsResponse()
        told.model_stats.add(name=NAME, inference_count=self.server.answered)
        return told

    def on_configuration(self, asked):
        """The name."""
        self.known(asked.name)
        told = pb.ModelConfigResponse()
        told.config.name = "other" if self.faulty("other-config") else NAME
        return told

    def on_infer(self, asked):
        """Sums, and the texts again."""
        faulty = self.faulty
        if faulty("forgives") and not asked.inputs:
            return pb.ModelInferResponse(model_name=NAME)
        for wrong in ("string_param", "double_param"):
            kinds = [one.WhichOneof("parameter_choice") for one in asked.parameters.values()]
            require(not (wrong in kinds and faulty(f"no-{wrong}")), "parameter")
        self.known(asked.model_name, asked.model_version)
        given = self.inputs(asked)
        if not given:
            return pb.ModelInferResponse(model_name=NAME)
        self.server.answered += not faulty("no-count")
        if not self.server.last:
            self.server.last = asked.SerializeToString()
        count = given["x"][1]
        numbers, words = given["x"][0], given["word"][0]
        more = given["n"][0] if "n" in given else [0] * count
        sums = [numbers[2 * row] + numbers[2 * row + 1] + more[row] for row in range(count)]
        if faulty("fickle"):
            sums = [one + self.server.answered for one in sums]
        if faulty("one-row"):
            sums, words = sums[:1], words[:1]
        answer = pb.ModelInferResponse(
            model_name="x" if faulty("misnamed") else NAME, model_version=VERSION
        )
        if not faulty("no-id"):
            answer.id = "same" if faulty("mixes-ids") and asked.id else asked.id
        values = {"sum": ("FP32", sums), "echo": ("BYTES", words)}
        wanted = [one.name for one in asked.outputs] or [*values]
        wanted = [*values] if faulty("all-outputs") else wanted
        for name in wanted[: 1 if faulty("first-output") and not asked.outputs else None]:
            require(name in values, "unknown output")
            self.put(answer, name, *values[name], raw=bool(asked.raw_input_contents))
        return answer

    def put(self, answer, name, datatype, data, *, raw):
        """An output, in the form of the request."""
        shift = self.faulty("wrong-shape")
        one = answer.outputs.add(name=name, datatype=datatype, shape=[len(data) + shift])
        if raw:
            answer.raw_output_contents.append(packed(data, datatype))
        if not raw or self.faulty("both-forms"):
            getattr(one.contents, MEMBERS[datatype]).extend(data)

    def inputs(self, asked):
        """Elements and number of rows of each input."""
        faulty, declared = self.faulty, self.server.inputs
        raw = asked.raw_input_contents
        if raw:
            require(not faulty("typed-only"), "no raw contents")
            right = len(raw) == len(asked.inputs) or faulty("any-raw-number")
            require(right, "number of raw_input_contents")
            mixed = any(one.HasField("contents") for one in asked.inputs)
            require(not mixed or faulty("mixed"), "both kinds of contents")
        else:
            require(not faulty("raw-only"), "no typed contents")
        found = {}
        names = [*declared]
        for place, one in enumerate(asked.inputs):
            name = names[place % len(names)] if faulty("by-order") else one.name
            if faulty("extra-taken") and name not in declared:
                name = names[place % len(names)]
            require(name in declared, f"unknown input {name}")
            datatype, width = declared[name]
            require(name not in found, f"input {name} twice")
            require(one.datatype == datatype or faulty("any-datatype"), "datatype")
            shape = list(one.shape)
            self.shaped(shape, width)
            count = max(0, shape[0]) if shape else 1
            blob = raw[place] if place < len(raw) else b""
            data = self.raw(blob, datatype) if blob or raw else self.typed(one, datatype)
            wanted = count * (width or 1)
            if len(data) != wanted:
                require(faulty("any-count"), "elements")
                data = (list(data) + [data[0] if data else 0] * wanted)[:wanted]
            if datatype == "BYTES":
                require(len(data) == 0 or max(map(len, data)) < 10**6, "text")
            elif faulty("no-nan"):
                require(all(map(math.isfinite, data)), "NaN")
            found[name] = (list(data), count)
        require(found.keys() == declared.keys() or faulty("any-inputs"), "inputs are missing")
        for name, (datatype, width) in declared.items():
            empty = b"" if datatype == "BYTES" else 0
            found.setdefault(name, ([empty] * (width or 1), 1))
        require(len({count for _, count in found.values()}) == 1, "numbers of rows")
        return found

    def shaped(self, shape, width):
        """Refuse a shape."""
        if shape and shape[0] > 10**6:
            if self.faulty("dies-of-size"):
                self.server.dead = True
            require(self.faulty("any-shape"), "too many rows")
            shape[:] = [1, width] if width else [1]
        right = shape[1:] == ([width] if width else []) and shape and shape[0] >= 0
        require(right or self.faulty("any-shape"), "shape")
        if not right:
            shape[:] = [1, width] if width else [1]

    def raw(self, blob, datatype):
        """The elements in raw contents."""
        try:
            if datatype != "BYTES":
                return [one for (one,) in struct.iter_unpack("<" + LETTERS[datatype], blob)]
            found, place = [], 0
            while place < len(blob):
                (size,) = struct.unpack_from("<I", blob, place)
                place += 4 + size
                require(place <= len(blob) or self.faulty("any-length"), "cut off")
                found.append(blob[place - size : place])
        except struct.error as error:
            require(self.faulty("any-length") or self.faulty("any-count"), f"bytes: {error}")
            return [b"" if datatype == "BYTES" else 0]
        return found

    def typed(self, one, datatype):
        """The elements in typed contents."""
        require(datatype in MEMBERS or self.faulty("typed-halves"), "FP16 must be raw")
        member = MEMBERS.get(datatype, "fp32_contents")
        others = [name.name for name, _ in one.contents.ListFields() if name.name != member]
        require(not others or self.faulty("any-member"), f"{others} for {datatype}")
        data = list(getattr(one.contents, member))
        if others and not data:
            data = [b"" if datatype == "BYTES" else 1] * max(1, math.prod(one.shape))
        if datatype == "INT8" and not self.faulty("cuts-down"):
            require(all(-128 <= value < 128 for value in data), "range")
        long = datatype == "BYTES" and max(map(len, data), default=0) > 1000
        if long and self.faulty("no-long-texts"):
            raise HungError
        return data


KINDS = ("application/grpc+proto",)


def packed(data, datatype):
    """Raw contents."""
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(one)) + one for one in data)
    return struct.pack(f"<{len(data)}{LETTERS[datatype]}", *data)


class RpcServer(socketserver.ThreadingTCPServer):
    """The server, on a port of its own; a context manager that serves while it is open."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, *faults, inputs=INPUTS):
        super().__init__(("127.0.0.1", 0), Connection)
        self.faults = frozenset(faults)
        self.inputs = inputs
        self.answered = 0
        self.dead = False
        self.last = b""
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
