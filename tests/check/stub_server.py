"""A model server of the standard library alone, with faults that can be switched on.

Run as ``stub_server.py FOLDER [FAULT ...]``; ``FOLDER`` holds ``contract.json`` and
``model.json``. It checks requests with code of its own, so that the checks are not tested
against themselves.
"""

import contextlib
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PARSERS = {"float": (int, float), "int": (int,), "bool": (bool,), "string": (str,)}
LIMITS = {"INT64": 2.0**63, "FP32": 3.4028235e38}


class RefusedError(Exception):
    """A request that is answered with a status, a text and a path."""

    def __init__(self, text, path="", status=400):
        super().__init__(text)
        self.path, self.status = path, status


class CrowdedError(Exception):
    """A request that is turned away."""


class Model:
    """The contract, and a formula for its answers."""

    def __init__(self, folder, faults):
        self.contract = json.loads((folder / "contract.json").read_text())
        self.card = json.loads((folder / "model.json").read_text())
        self.fields = {field["name"]: field for field in self.contract["fields"]}
        self.faults = faults
        self.asked = 0

    def predict(self, row, batch):
        """Delay in minutes, and the chance of one."""
        self.asked += 1
        delay = 0.5 * row["hour"] + 0.01 * row["distance"] + len(row["carrier"] + row["note"])
        delay += 0.0 if row["wind"] is None else row["wind"]
        delay += 0.001 * ("wrong-golden" in self.faults)
        delay += 0.001 * ("batch-differs" in self.faults and batch > 1)
        delay += 0.001 * ("alone-differs" in self.faults and batch == 1)
        delay += 0.001 * ("one-row-differs" in self.faults and row["hour"] == 23)
        delay += random.random() * ("random" in self.faults)
        delay += 1e-9 * self.asked * ("creeps" in self.faults)
        return delay + row["weekend"], [0.25, 0.75]

    def check(self, row, path):
        """Refuse a row that breaks the contract."""
        if not isinstance(row, dict):
            raise RefusedError(f"{path} is not an object", path)
        where = "rows[0]" if "wrong-row" in self.faults else path
        for name in row:
            if name not in self.fields and "accepts-unknown" not in self.faults:
                raise RefusedError(f"{name} is unknown", f"{where}.{name}")
        for name, field in self.fields.items():
            if name not in row:
                if "fills-in" in self.faults:
                    row[name] = "" if field["type"] == "string" else 0
                    continue
                raise RefusedError(f"{name} is missing", f"{where}.{name}")
            if reason := self.wrong(field, row[name]):
                if "only-says-no" in self.faults:
                    raise RefusedError("bad request")
                raise RefusedError(f"{name}: {reason}", f"{where}.{name}")
            if not isinstance(row[name], PARSERS[field["type"]]) and not field["nullable"]:
                row[name] = "" if field["type"] == "string" else 0

    def wrong(self, field, value):
        """Why a value does not fit its field, or nothing."""
        faults = self.faults
        if value is None:
            return "" if field["nullable"] or "null-ok" in faults else "null"
        number = field["type"] in ("int", "float")
        if isinstance(value, bool) and number:
            return "" if "bool-as-number" in faults else "not a number"
        if not isinstance(value, PARSERS[field["type"]]):
            return "" if "any-type" in faults else f"not {field['type']}"
        if number and abs(value) >= LIMITS[field["dtype"]]:
            return "" if "no-overflow" in faults else "too large"
        if number and "no-range" not in faults:
            low, high = field["minimum"], field["maximum"]
            if (low is not None and value < low) or (high is not None and value > high):
                return "out of range"
        closed = field["closed"] and "open-categories" not in faults
        if closed and value not in field["categories"]:
            return "unknown category"
        longest = field["max_length"]
        if longest is not None and len(value) > longest and "any-length" not in faults:
            return "too long"
        return ""

    def tensors(self):
        """Input name, datatype and the fields in its columns."""
        found = {}
        for field in self.contract["fields"]:
            found.setdefault((field["tensor"], field["dtype"]), []).append(field)
        return [
            (name, dtype, sorted(fields, key=lambda one: one["column"]))
            for (name, dtype), fields in found.items()
        ]

    def rows(self, inputs):
        """Rows from the tensors of a request."""
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise RefusedError("inputs is not a list of tensors", "inputs")
        given = [one.get("name") for one in inputs]
        known = self.tensors()
        for name, _, _ in known:
            if given.count(name) != 1:
                raise RefusedError(f"{name} must occur once", "inputs")
        rows = None
        for name, dtype, fields in known:
            tensor = inputs[given.index(name)]
            data, count = self.data(tensor, dtype, len(fields))
            rows = rows or [{} for _ in range(count)]
            for place, row in enumerate(rows):
                for column, field in enumerate(fields):
                    row[field["name"]] = data[place * len(fields) + column]
        for row in rows:
            for name, field in self.fields.items():
                if reason := self.wrong(field, row[name]):
                    raise RefusedError(f"{field['tensor']} ({name}): {reason}")
        return rows

    def data(self, tensor, dtype, width):
        """The values of a tensor and the number of rows."""
        name, shape, data = (tensor[key] for key in ("name", "shape", "data"))
        count = shape[0]
        if tensor["datatype"] != dtype or shape != [count, width] or count < 1:
            raise RefusedError(f"{name}: shape or datatype")
        if len(data) != count * width and "any-shape" not in self.faults:
            raise RefusedError(f"{name}: {len(data)} values")
        return data, count


class Handler(BaseHTTPRequestHandler):
    """One connection; ``server.state`` is the life of the server."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Say nothing."""

    def note(self, status):
        """A line in the log about a request that was refused."""
        if status >= 400 and "silent-log" not in self.server.faults:
            line = {"at": "now", "event": "request", "id": self.headers.get("X-Request-Id")}
            if "bare-log" in self.server.faults:
                del line["event"]
            text = "refused " if "plain-log" in self.server.faults else ""
            sys.stdout.write(text + json.dumps(line) + "\n")
            sys.stdout.flush()

    def send(self, status, value, **headers):
        """An answer of JSON."""
        card, faults = self.server.model.card, self.server.faults
        if "babbles" in faults and not self.path.startswith("/v2/health"):
            status = random.choice((status, 200))
            value = babble(value, 3)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.note(status)
        self.server.answered += 1
        self.send_response(status)
        image = "sha256:0" if "other-image" in faults else os.environ["SEALIFT_IMAGE"]
        fixed = {
            "Content-Type": "text/html" if "html" in faults else "application/json",
            "Content-Length": str(len(body)),
            "X-Sealift-Image": image,
            "X-Sealift-Version": str(card["version"]),
        }
        if self.path == "/metrics":
            fixed["Content-Type"] = "text/plain; version=0.0.4"
        for name, text in {**fixed, **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """Health and metadata."""
        model, faults = self.server.model, self.server.faults
        name, version = model.card["name"], model.card["version"]
        path = self.path
        base = f"/v2/models/{name}"
        if "any-model" in faults:
            path = path.replace(f"{base}-other", base)
            path = path.replace(f"/versions/{version + 1}", f"/versions/{version}")
        if path.startswith(f"{base}/versions/{version}"):
            path = base + path.removeprefix(f"{base}/versions/{version}")
        status, value = self.page(path, base)
        self.send(status, value)

    def page(self, path, base):
        """Status and body of a page."""
        model, faults = self.server.model, self.server.faults
        ready = self.server.ready()
        if path == "/v2/health/live":
            return 200, {"live": True}
        if path == "/v2/health/ready":
            if not ready:
                return (418 if "rude-start" in faults else 503), {"error": "loading"}
            return 200, {"ready": "ready-says-no" not in faults}
        if path == f"{base}/ready" and "model-never-ready" not in faults:
            return (200 if ready else 503), {"name": "x", "ready": ready}
        if path == "/v2" and "no-metadata" not in faults:
            return 200, {"name": "stub", "version": "1", "extensions": []}
        if path == base:
            return 200, self.description(model, faults)
        if path == "/openapi.json" and "no-document" not in faults:
            return 200, self.document(base)
        if path == "/metrics" and "no-metrics" not in faults:
            count = 0 if "uncounted" in faults else self.server.answered
            odd = "oops{ 1\n" if "odd-metrics" in faults else ""
            text = (
                f'# TYPE sealift_requests_total counter\nsealift_requests_total{{a="b"}} {count}\n'
            )
            return 200, (text + odd).encode()
        if path == "/predict":
            return (200 if "any-method" in faults else 405), {"error": "use POST"}
        return (404, b"" if "bare-404" in faults else {"error": "nothing here"})

    def document(self, base):
        """What is declared of the answers."""
        faults = self.server.faults
        number = "string" if "other-schema" in faults else "number"
        said = {"id": {"type": "string"}, "predictions": {"items": {"type": number}}}
        kinds = {
            "Any": {},
            "Said": {"type": "object", "properties": said, "required": ["id", "predictions"]},
            "Error": {"type": "object", "required": ["error"]},
        }

        def answers(kind, *bad):
            named = {"200": kind, **dict.fromkeys(bad, "Error")}
            return {
                status: {
                    "content": {
                        "application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}
                    }
                }
                for status, name in named.items()
            }

        paths = ("/v2/health/live", "/v2/health/ready", "/v2", base, f"{base}/ready")
        told = {path: {"get": {"responses": answers("Any")}} for path in paths}
        bad = () if "undeclared-400" in faults else ("400",)
        told["/predict"] = {"post": {"responses": answers("Said", *bad)}}
        if "strict-rows" in faults:
            body = {"schema": {"properties": {"rows": {"maxItems": 0}}}}
            told["/predict"]["post"]["requestBody"] = {"content": {"application/json": body}}
        if "undeclared-infer" not in faults:
            told[f"{base}/infer"] = {"post": {"responses": answers("Any", "400")}}
        return {"openapi": "3.1.0", "paths": told, "components": {"schemas": kinds}}

    def description(self, model, faults):
        """The metadata of the model."""
        inputs = [
            {"name": name, "datatype": dtype, "shape": [-1, len(fields)]}
            for name, dtype, fields in model.tensors()
        ]
        outputs = [
            {"name": one["name"], "datatype": one["dtype"], "shape": one["shape"]}
            for one in model.contract["outputs"]
        ]
        if "other-inputs" in faults:
            inputs[0]["shape"] = [-1, 7]
        if "other-outputs" in faults:
            outputs[0]["name"] = "y_hat"
        name = "someone-else" if "other-name" in faults else model.card["name"]
        return {
            "name": name,
            "versions": ["1" if "other-version" in faults else str(model.card["version"])],
            "platform": "stub",
            "inputs": inputs,
            "outputs": outputs,
        }

    def do_POST(self):
        """Predictions."""
        with self.server.under_way():
            if {"breaks-when-busy", "hasty-429"} & {*self.server.faults}:
                time.sleep(0.3 if int(self.headers["Content-Length"]) > 3000 else 0)
                self.server.broken |= self.server.count > 8
            try:
                self.have_room()
                self.ask_for_body()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, value, headers = self.predicted(body)
            except CrowdedError:
                self.ask_for_body()
                self.rfile.read(int(self.headers["Content-Length"]))
                status, value, headers = 429, {"error": "come again"}, {"Retry-After": "1"}
            except RefusedError as refusal:
                key = "detail" if "no-error-key" in self.server.faults else "error"
                value = {key: str(refusal), "path": refusal.path}
                status, headers = refusal.status, {}
            except (KeyError, TypeError, AttributeError, IndexError, ZeroDivisionError):
                status, value, headers = 400, {"error": "not a request"}, {}
            self.send(status, value, **headers)

    def troubled(self, request, identifier):
        """Refuse an id that no header can hold, and what faults of the whole server refuse."""
        faults = self.server.faults
        if not (isinstance(identifier, str) and identifier.isascii() and identifier.isprintable()):
            raise RefusedError("the id is no plain text")
        if self.server.broken:
            raise RefusedError("too busy to think", status=429 if "hasty-429" in faults else 500)
        if "forgets-some" in faults and self.server.answered % 7 == 6:
            raise RefusedError("not today", status=503)
        if "chokes" in faults and any("a\\x00b" in repr(one) for one in request.values()):
            raise RefusedError("segmentation fault", status=500)

    def have_room(self):
        """Turn away what comes beside another large request, if little is to be taken on."""
        large = int(self.headers["Content-Length"]) > 3000
        little = "SEALIFT_MAX_BODIES" in os.environ and "never-sheds" not in self.server.faults
        if large and little and self.server.count > 1:
            raise CrowdedError

    def handle_expect_100(self):
        """A body is asked for once there is room for it."""
        return True

    def ask_for_body(self):
        """Tell a client that waits for it to send its body."""
        if self.headers.get("Expect") != "100-continue":
            return
        if "never-asks" in self.server.faults:
            raise RefusedError("I expect nothing", status=417)
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()

    def predicted(self, body):
        """Status, value and headers of the answer to a prediction request."""
        model, faults = self.server.model, self.server.faults
        request = self.parsed(body)
        own = self.headers.get("X-Request-Id", "generated")
        identifier = request.get("id") or ("mine" if "ignores-header" in faults else own)
        self.troubled(request, identifier)
        if "refuses-good" in faults:
            raise RefusedError("carrier: I do not feel like it", status=503)
        if self.path == "/predict":
            rows = request["rows"]
            if not isinstance(rows, list) or not rows:
                raise RefusedError("rows is not a list", "rows")
            if len(rows) > model.contract["max_rows"] and "no-limit" not in faults:
                raise RefusedError("too many rows", "rows")
            for number, row in enumerate(rows):
                if "accepts-anything" in faults:
                    continue
                model.check(row, f"rows[{number}]")
            return 200, self.named(request, rows, identifier), {"X-Request-Id": identifier}
        rows = model.rows(request["inputs"])
        return 200, self.tensors(rows, identifier), {"X-Request-Id": identifier}

    def parsed(self, body):
        """The request in a body."""
        faults = self.server.faults

        def no_constants(text):
            if "nan-ok" not in faults:
                raise ValueError(text)
            return 0.0

        try:
            request = json.loads(body, parse_constant=no_constants)
            if not isinstance(request, dict):
                raise RefusedError("not an object")
        except (ValueError, RecursionError) as error:
            if "dies-on-bad-json" in faults:
                os._exit(3)
            status = 500 if "500-on-bad-json" in faults else 400
            if "answers-bad-json" in faults:
                raise RefusedError("", status=200) from error
            raise RefusedError(f"malformed: {error}", status=status) from error
        return request

    def named(self, request, rows, identifier):
        """The body of an answer to named rows."""
        model, faults = self.server.model, self.server.faults
        got = [round(model.predict(row, len(rows))[0], 12) for row in rows]
        if "crowd-differs" in faults:
            time.sleep(0.01)
            got = [one + 0.001 * (self.server.count > 4) for one in got]
        if "texts" in faults:
            got = [str(one) for one in got]
        if "one-too-few" in faults:
            got.pop()
        return {
            "id": "mine" if "own-id" in faults else identifier,
            "model": model.card["name"],
            "version": model.card["version"],
            "predictions": got,
        }

    def tensors(self, rows, identifier):
        """The body of an answer in tensors."""
        model, faults = self.server.model, self.server.faults
        got = [model.predict(row, len(rows)) for row in rows]
        more = "tensors-differ" in faults or ("tensors-differ-in-batches" in faults and rows[1:])
        delay = [round(one[0], 12) + bool(more) for one in got]
        chance = [value for one in got for value in one[1]]
        outputs = [
            {"name": "delay", "datatype": "FP32", "shape": [len(rows), 1], "data": delay},
            {"name": "chance", "datatype": "FP32", "shape": [len(rows), 2], "data": chance},
        ]
        if "wrong-shape" in faults:
            outputs[0]["shape"] = [1, len(rows) + 1]
        if "wrong-datatype" in faults:
            outputs[0]["datatype"] = "FP64"
        if "output-missing" in faults:
            outputs.pop()
        return {"model_name": model.card["name"], "id": identifier, "outputs": outputs}


def babble(value, depth):
    """The value with some of its parts replaced by something else."""
    if random.random() < 0.15:
        return random.choice((None, True, -1, 10**400, "x", [], {}, [[]], [None], {"x": [1]}))
    if isinstance(value, dict):
        return {key: babble(part, depth - 1) for key, part in value.items()}
    if isinstance(value, list):
        return [babble(part, depth - 1) for part in value] if depth else value
    return value


class Server(ThreadingHTTPServer):
    """Knows how many requests are under way, and how to end."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, model, faults):
        super().__init__(address, Handler)
        self.model, self.faults = model, faults
        self.began = time.monotonic()
        self.count, self.changed = 0, threading.Condition()
        self.ending = False
        self.answered, self.broken = 0, False

    def ready(self):
        """A moment after the start, until the end."""
        if "never-ready" in self.faults:
            return False
        late = 0.3 if "rude-start" in self.faults else 0.0
        return not self.ending and time.monotonic() - self.began >= late

    def under_way(self):
        """Count a request in, and out again."""
        return Counted(self)

    def drain(self):
        """Take no new requests, answer those under way, end."""
        self.ending = True
        if "dies-on-term" in self.faults:
            os._exit(0)
        if "hurries" in self.faults:
            time.sleep(0.5)
            os._exit(0)
        self.socket.close()
        with self.changed:
            self.changed.wait_for(lambda: self.count == 0)
        time.sleep(0.05)
        os._exit(0)


class Counted:
    """A request under way."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        with self.server.changed:
            self.server.count += 1

    def __exit__(self, *_):
        with self.server.changed:
            self.server.count -= 1
            self.server.changed.notify_all()


def phone_home():
    """Ask for a licence, in vain; called only where there is no way out."""
    with contextlib.suppress(OSError), socket.socket() as caller:
        caller.connect(("192.0.2.7", 443))


def main(folder, *faults):
    """Serve until SIGTERM."""
    if "exits" in faults:
        sys.exit("the licence has run out")
    if "leaves-a-lock" in faults:
        lock = Path(folder) / "lock"
        if lock.exists():
            sys.exit("another one is running")
        lock.touch()
    alone = [name for _, name in socket.if_nameindex()] == ["lo"]
    if "phones-home" in faults and alone:
        phone_home()
    if "needs-network" in faults and alone:
        sys.exit("the model cannot be fetched")
    if "deaf" in faults:
        threading.Event().wait()
    address = (os.environ["SEALIFT_HOST"], int(os.environ["SEALIFT_PORT"]))
    random.seed(next((fault for fault in faults if fault.startswith("seed")), None))
    server = Server(address, Model(Path(folder), faults), faults)
    if "ignores-term" in faults:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(
            signal.SIGTERM, lambda *_: threading.Thread(target=server.drain, daemon=True).start()
        )
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
