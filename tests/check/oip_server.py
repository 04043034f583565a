"""A model server of the standard library alone that keeps the protocol, with faults to switch on.

Inputs: ``x`` (FP32, [rows, 2]) and ``word`` (BYTES, [rows]). Outputs: ``sum`` (FP32) of each row
of the former, ``echo`` (BYTES) of the latter. It reads requests with code of its own, so that the
rules are not tested against themselves.
"""

import gzip
import json
import math
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME, VERSION = "sums", "1"
LENGTH = "Inference-Header-Content-Length"


class RefusedError(Exception):
    """A request that is answered with a status and a reason."""

    def __init__(self, text, status=400):
        super().__init__(text)
        self.status = status


def require(fact, text, status=400):
    """Refuse a request."""
    if not fact:
        raise RefusedError(text, status)


def strict(text):
    """JSON without NaN; deep nesting is refused too."""

    def constant(word):
        raise RefusedError(f"{word} is no JSON")

    try:
        return json.loads(text.decode(), parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"no JSON: {error}") from error


class Handler(BaseHTTPRequestHandler):
    """One connection; ``server.faults`` are the faults that are switched on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_):
        """Say nothing."""

    def faulty(self, name):
        """Whether a fault is switched on."""
        return name in self.server.faults

    def do_GET(self):
        """Health and metadata."""
        self.attempt(lambda: (self.page(), b""))

    def do_POST(self):
        """Inference, and what extensions there are."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.attempt(lambda: self.posted(body))

    def attempt(self, what):
        """Answer with what it gives, or with its refusal."""
        try:
            value, blobs = what()
            if self.server.dead:
                self.close_connection = True
                return
            self.send(200, value, blobs)
        except RefusedError as error:
            if self.server.dead:
                self.close_connection = True
                return
            status = 500 if self.faulty("all-500") else error.status
            word = "detail" if self.faulty("detail") else "error"
            self.send(status, {word: str(error)})

    def send(self, status, value, blobs=b""):
        """An answer of JSON, and binary tensors behind it."""
        head = json.dumps(value).encode()
        kind = "text/html" if self.faulty("html") else "application/json"
        self.send_response(status)
        if blobs:
            kind = "application/octet-stream" if not self.faulty("binary-as-json") else kind
            shift = 3 if self.faulty("wrong-length") else 0
            self.send_header(LENGTH, str(len(head) + shift))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(head + blobs)))
        self.end_headers()
        self.wfile.write(head + blobs)

    def known(self):
        """The path below the model; other models and versions are refused."""
        parts = self.path.strip("/").split("/")
        require(parts[:2] == ["v2", "models"] and len(parts) > 2, "no such path", 404)
        require(parts[2] == NAME or self.faulty("any-model"), "unknown model", 404)
        rest = parts[3:]
        if rest[:1] == ["versions"]:
            right = rest[1:2] == [VERSION] and not self.faulty("no-versions")
            require(right or self.faulty("any-version"), "unknown version", 404)
            rest = rest[2:]
        return rest

    def page(self):
        """What is answered to a GET."""
        faulty = self.faulty
        if self.path == "/v2/health/live":
            require(not faulty("not-live"), "dead", 503)
            return {"live": True}
        if self.path == "/v2/health/ready":
            require(not faulty("not-ready"), "loading", 503)
            return {"ready": True}
        if self.path == "/v2":
            extensions = ["binary_tensor_data", "model_repository", "statistics"]
            about = {"name": "sums-server", "version": "1", "extensions": extensions}
            for member in ("version", "extensions"):
                if faulty(f"no-{member}-told"):
                    del about[member]
            return about
        rest = self.known()
        if rest == ["ready"]:
            require(not faulty("model-never-ready"), "loading", 503)
            return {} if faulty("bare-ready") else {"name": NAME, "ready": True}
        if rest == ["stats"]:
            return {"model_stats": [{"name": NAME, "inference_count": self.server.answered}]}
        require(rest != ["infer"], "POST", 405)
        require(rest == [], "no such path", 404)
        datatype = "FLOAT" if faulty("odd-datatype") else "FP32"
        return {
            "name": "other" if faulty("other-name") else NAME,
            "versions": [VERSION],
            "platform": None if faulty("no-platform") else "sums" if faulty("plain") else "a_b",
            "inputs": [
                {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
                {"name": "word", "datatype": "BYTES", "shape": [-1]},
            ][: 1 if faulty("one-input") else 2],
            "outputs": [
                {"name": "sum", "datatype": datatype, "shape": [-1]},
                {"name": "echo", "datatype": "BYTES", "shape": [-1]},
            ],
        }

    def posted(self, body):
        """What is answered to a POST."""
        if self.path == "/v2/repository/index":
            listed = {"name": NAME, "version": VERSION, "state": "READY", "reason": ""}
            if self.faulty("no-state"):
                del listed["state"]
            return [listed], b""
        require(self.known() == ["infer"], "no such path", 404)
        coding = self.headers.get("Content-Encoding", "identity")
        require(coding in ("gzip", "identity"), "unknown coding", 415)
        length = self.headers.get(LENGTH)
        body = gzip.decompress(body) if coding == "gzip" else body
        if length is None:
            return self.infer(strict(body), b"")
        right = length.isdecimal() and int(length) <= len(body)
        if self.faulty("trusts-length") and not right:
            length = str(body.rindex(b"}") + 1)
        require(right or self.faulty("trusts-length"), "no length")
        if length == "0":
            return self.infer(self.raw(body), body)
        return self.infer(strict(body[: int(length)]), body[int(length) :])

    def raw(self, body):
        """The request that a raw one stands for."""
        alone = self.faulty("one-input")
        if self.faulty("any-raw"):
            rows = len(body) // 8
            word = {"name": "word", "datatype": "BYTES", "shape": [rows], "data": ["a"] * rows}
            return {"inputs": [self.x(body), word]}
        require(alone and len(body) % 8 == 0, "no raw request")
        wish = not self.faulty("raw-as-json")
        return {"inputs": [self.x(body)], "parameters": {"binary_data_output": wish}}

    def x(self, body):
        """The head of the input x of these bytes."""
        size = {"binary_data_size": len(body)}
        rows = len(body) // 8
        return {"name": "x", "datatype": "FP32", "shape": [rows, 2], "parameters": size}

    def infer(self, asked, blobs):
        """The answer to a request."""
        faulty = self.faulty
        if faulty("forgives") and not (isinstance(asked, dict) and asked.get("inputs")):
            return {"model_name": NAME, "outputs": []}, b""
        require(isinstance(asked, dict), "no object")
        parameters = asked.get("parameters", {})
        plain = isinstance(parameters, dict) and not any(
            isinstance(one, dict | list) for one in parameters.values()
        )
        require(plain or faulty("any-parameters"), "parameters")
        identifier = asked.get("id")
        require(identifier is None or isinstance(identifier, str), "the id is no text")
        given = self.inputs(asked.get("inputs"), blobs)
        if faulty("one-input") and "x" in given:
            given["word"] = (["a"] * given["x"][1], given["x"][1])
        require(given.keys() == {"x", "word"}, "inputs are missing or unknown")
        (numbers, rows), (words, count) = given["x"], given["word"]
        require(rows == count and rows, "numbers of rows")
        sums = [float(one + other) for one, other in zip(numbers[::2], numbers[1::2], strict=True)]
        if faulty("one-row"):
            sums, words = sums[:1], words[:1]
        self.server.answered += not faulty("no-count")
        answer = {"model_name": "x" if faulty("misnamed") else NAME, "model_version": VERSION}
        if identifier is not None and not faulty("no-id"):
            answer["id"] = "grade-1" if faulty("mixes-ids") else identifier
        values = {"sum": ("FP32", sums), "echo": ("BYTES", words)}
        answer["outputs"], packed = self.outputs(asked, values)
        return answer, packed

    def inputs(self, listed, blobs):
        """Elements and number of rows of each input."""
        require(isinstance(listed, list), "inputs is no list")
        found = {}
        order = listed
        names = [one.get("name") for one in listed if isinstance(one, dict)]
        if self.faulty("by-order") and names == ["word", "x"]:
            order = [{**listed[0], "name": "x"}, {**listed[1], "name": "word"}]
        for one in order:
            require(isinstance(one, dict), "an input is no object")
            name = one.get("name")
            known = {"x": ("FP32", 2), "word": ("BYTES", 1)}.get(name)
            require(known is not None and name not in found, f"input {name!r}")
            right = one.get("datatype") == known[0]
            require(right or self.faulty("any-datatype"), "datatype")
            shape = one.get("shape")
            whole = isinstance(shape, list) and all(type(size) is int for size in shape)
            require(whole and shape[:1] and shape[0] >= 0, "shape")
            if self.faulty("dies") and shape[0] > 2**40:
                self.server.dead = True
            require(shape[1:] == ([2] if name == "x" else []), "shape")
            require(shape[0] < 10_000, "too many rows")
            data, blobs = self.data(one, known[0], blobs)
            fits = len(data) == math.prod(shape)
            require(fits or self.faulty("any-count"), "elements")
            found[name] = (data[: math.prod(shape)], shape[0])
        require(not blobs or self.faulty("left-over"), "bytes are left over")
        return found

    def data(self, tensor, datatype, blobs):
        """The elements of a tensor, and the bytes behind them."""
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        if size is None:
            data = tensor.get("data")
            require(isinstance(data, list), "data is no list")
            if data and isinstance(data[0], list):
                require(not self.faulty("flat-only"), "nested")
                data = [element for row in data for element in row]
            elif len(data) > 1 and tensor["name"] == "x":
                require(not self.faulty("nested-only"), "flat")
            kind = str if datatype == "BYTES" else (int, float)
            for element in data:
                right = isinstance(element, kind) and not isinstance(element, bool)
                require(right or self.faulty("any-element"), "element")
                require(datatype == "BYTES" or math.isfinite(element), "too large")
            return data, blobs
        require(type(size) is int and 0 <= size <= len(blobs), "binary_data_size")
        return self.unpacked(blobs[:size], datatype), blobs[size:]

    def unpacked(self, blob, datatype):
        """The elements of a binary tensor."""
        try:
            if datatype == "FP32":
                order = ">" if self.faulty("big-endian") else "<"
                return [one for (one,) in struct.iter_unpack(f"{order}f", blob)]
            found, place = [], 0
            while place < len(blob):
                (size,) = struct.unpack_from("<I", blob, place)
                place += 4 + size
                require(place <= len(blob) or self.faulty("short-texts"), "text is cut off")
                found.append(blob[place - size : place].decode())
        except (struct.error, UnicodeDecodeError) as error:
            raise RefusedError(f"bytes: {error}") from error
        return found

    def outputs(self, asked, values):
        """The outputs that were asked for, and their bytes."""
        given = asked.get("parameters") or {}
        wish = given.get("binary_data_output", False) if isinstance(given, dict) else False
        wanted = asked.get("outputs") or [{"name": name} for name in values]
        if self.faulty("all-outputs"):
            wanted = [{"name": name} for name in values]
        outputs, packed = [], b""
        for one in wanted:
            name = one.get("name")
            require(name in values, "unknown output")
            datatype, data = values[name]
            given = {"name": name, "datatype": datatype, "shape": [len(data)]}
            chosen = (one.get("parameters") or {}).get("binary_data", wish)
            binary = (wish if self.faulty("request-wins") else chosen) is True
            if binary and not self.faulty("never-binary"):
                blob = self.packed(datatype, data)
                packed += blob
                given["parameters"] = {"binary_data_size": len(blob)}
            else:
                loose = self.faulty("bare-nan")
                given["data"] = [None if one != one and not loose else one for one in data]
            if self.faulty("no-shape"):
                del given["shape"]
            if self.faulty("wrong-shape"):
                given["shape"] = [len(data) + 1]
            outputs.append(given)
        return outputs, packed

    def packed(self, datatype, data):
        """The bytes of a tensor."""
        if datatype == "FP32":
            return struct.pack(f"<{len(data)}f", *data)
        texts = [text.encode() for text in data]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)


class Server(ThreadingHTTPServer):
    """The server, on a port of its own; a context manager that serves while it is open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *faults):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults = frozenset(faults)
        self.answered = 0
        self.dead = False
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
