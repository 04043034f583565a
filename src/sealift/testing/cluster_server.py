"""The API of a cluster in this process, on real loopback HTTP."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import yaml

from sealift import clock
from sealift.kubernetes.kinds import Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import text
from sealift.testing import cluster_refusals
from sealift.testing.cluster import ALONE, SERVED, ClusterState, Key, bears
from sealift.testing.cluster_refusals import RefusedError
from sealift.types import Json

_PATH = re.compile(
    r"/(?:api|apis)/(?P<api>v1|[a-z0-9.]+/v[a-z0-9]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?(?:/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?)?"
    r"(?:(?P<log>/log)|/proxy(?P<proxy>/.*))?"
)
_VERBS = {"GET": "get", "PATCH": "patch", "DELETE": "delete"}


class ClusterServer:
    """A context manager; ``state`` is what it serves, ``token`` what it wants to see.

    With ``tls`` (a certificate of the server's) it speaks HTTPS. ``lines`` are what every pod's
    log says; ``seen`` is each request's method and path. ``pods`` are those that answer requests
    of their own, by name: path and headers in, status and body out.
    """

    def __init__(self, *namespaces: str, tls: ssl.SSLContext | None = None) -> None:
        self.state = ClusterState(*namespaces)
        self.token = "open-sesame"  # noqa: S105 - it guards nothing
        self.lines = ""
        self.seen: list[str] = []
        self.pods: dict[str, Callable[[str, dict[str, str]], tuple[int, bytes]]] = {}
        self.ends = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        with self.state.changed:
            self.state.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def kubeconfig(self, path: Path, **user: Json) -> Path:
        """Write a kubeconfig with the context ``test``; ``user`` is how one logs in."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "tester"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.address}}],
            "users": [{"name": "tester", "user": user or {"token": self.token}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], cluster: ClusterServer) -> None:
        super().__init__(address, _Handler)
        self.cluster = cluster

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that left or were not let in."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Any request."""
        url = urlsplit(self.path)
        self._query = {name: texts[0] for name, texts in parse_qs(url.query).items()}
        self._state = self.server.cluster.state
        self.server.cluster.seen.append(f"{self.command} {url.path}")
        size = int(self.headers.get("Content-Length", 0))
        self._body = self.rfile.read(size)
        try:
            self._route(url.path)
        except RefusedError as refused:
            self._send(refused.code, refused.status)
        except OSError:
            self.close_connection = True

    do_PATCH = do_DELETE = do_GET  # noqa: N815 - the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _route(self, path: str) -> None:
        if self._state.faults.unavailable:
            code = self._state.faults.unavailable.pop(0)
            raise RefusedError(code, "ServiceUnavailable", "the server is currently unable")
        if self.headers.get("Authorization") != f"Bearer {self.server.cluster.token}":
            raise RefusedError(401, "Unauthorized", "Unauthorized")
        found = _PATH.fullmatch(path)
        if found is None or found["api"] in self._state.faults.absent:
            raise cluster_refusals.unknown_path()
        if not found["plural"]:
            self._discover(found["api"])
            return
        kind = _kind(found["api"], found["plural"])
        key = Key(kind, found["namespace"] or "", found["name"] or "")
        self._allowed(key, found["plural"])
        if found["proxy"]:
            self._pod(key, found["proxy"])
        elif found["log"] and "container" in self._query:
            self._follow(key)
        elif found["log"]:
            self._write(200, self.server.cluster.lines.encode(), "text/plain")
        elif not key.name:
            self._many(key)
        else:
            self._one(key)

    def _pod(self, key: Key, path: str) -> None:
        """What a pod answers on a port of its own."""
        name, _, _ = key.name.partition(":")
        ask = self.server.cluster.pods.get(name)
        query = urlsplit(self.path).query
        if ask is None:
            told = f"error trying to reach service: pod {name} does not answer"
            raise RefusedError(503, "ServiceUnavailable", told)
        code, body = ask(f"{path}?{query}" if query else path, dict(self.headers))
        self._write(code, body, "text/plain")

    def _allowed(self, key: Key, plural: str) -> None:
        verb = _VERBS[self.command]
        if not key.name:
            verb = "watch" if "watch" in self._query else "list"
        verbs = [verb]
        if verb == "patch" and key not in self._state.objects:
            verbs.append("create")  # who applies what is not there makes it
        for one in verbs:
            if (one, plural) in self._state.faults.forbidden:
                resource = self._state.resource(key.kind)
                raise cluster_refusals.forbidden(one, resource, key.name, key.namespace)

    def _discover(self, api: str) -> None:
        rows: list[Json] = [
            {"name": plural, "kind": kind.name, "namespaced": kind not in ALONE, "verbs": ["get"]}
            for kind, plural in SERVED.items()
            if kind.api == api
        ]
        if not rows:
            raise cluster_refusals.unknown_path()
        self._send(200, {"kind": "APIResourceList", "groupVersion": api, "resources": rows})

    def _one(self, key: Key) -> None:
        if self.command == "PATCH":
            wanted = json.loads(self._body)
            force = self._query.get("force") == "true"
            made = self._state.apply(key, wanted, self._query["fieldManager"], force=force)
            self._send(200, made)
            return
        if self.command == "DELETE":
            options = json.loads(self._body or b"{}")
            foreground = options.get("propagationPolicy") == "Foreground"
            uid = text(options, "preconditions", "uid")
            self._state.delete(key, uid=uid, foreground=foreground)
            self._send(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})
            return
        with self._state.settled():
            if key not in self._state.objects:
                raise cluster_refusals.missing(self._state.resource(key.kind), key.name)
            self._send(200, self._state.objects[key])

    def _many(self, key: Key) -> None:
        labels = dict(
            word.split("=", 1) for word in self._query.get("labelSelector", "").split(",") if word
        )
        if "watch" in self._query:
            self._watch(key, labels)
            return
        with self._state.settled():
            items = self._state.find(key.kind, key.namespace, labels)
            if uid := self._query.get("fieldSelector", "").partition("involvedObject.uid=")[2]:
                items = [one for one in items if text(one, "involvedObject", "uid") == uid]
            version = self._state.version
        begin = int(self._query.get("continue", "0") or 0)
        limit = int(self._query.get("limit", "0") or 0) or len(items)
        rest = str(begin + limit) if begin + limit < len(items) else ""
        page: list[Json] = [
            {name: value for name, value in one.items() if name not in ("kind", "apiVersion")}
            for one in items[begin : begin + limit]
        ]
        metadata: Json = {"resourceVersion": str(version), "continue": rest}
        self._send(200, {"kind": f"{key.kind.name}List", "metadata": metadata, "items": page})

    def _watch(self, key: Key, labels: Mapping[str, str]) -> None:
        state, since = self._state, int(self._query["resourceVersion"])
        ends = clock.monotonic() + float(self._query.get("timeoutSeconds", "30"))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        told = 0
        while not self.server.cluster.ends.is_set():
            with state.changed:
                news = [one for one in state.events if one.version > since]
                if since < state.oldest:
                    self._tell("ERROR", cluster_refusals.expired(since).status)
                    break
                left = ends - clock.monotonic()
                if not news and left > 0:
                    state.changed.wait(left)
                    continue
            for one in news:
                since = one.version
                mine = one.key.kind == key.kind and key.namespace in ("", one.key.namespace)
                if mine and bears(one.item, labels):
                    if told == state.faults.cut:
                        self.close_connection = True  # in the middle, with no last chunk
                        return
                    self._tell(one.what, one.item)
                    told += 1
            if not news:
                self._mark(key, since)
                break
        self.wfile.write(b"0\r\n\r\n")

    def _follow(self, key: Key) -> None:
        """A container's log: from a second on, and as it is written where that is asked for."""
        state = self._state
        name = self._query["container"]
        log = state.logs.get((key.namespace, key.name, name))
        if log is None or key not in state.objects:
            told = f'container "{name}" in pod "{key.name}" is waiting to start'
            raise RefusedError(400, "BadRequest", told)
        since, sent = self._query.get("sinceTime", "")[:19], 0
        cut = state.faults.cut_logs.pop(0) if state.faults.cut_logs else None
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.cluster.ends.is_set():
            over = log.ended
            lines = [one for one in log.lines() if one[0][:19] >= since]
            for at, line in lines[sent:]:
                if sent == cut:
                    self.close_connection = True
                    return
                self._piece(at.encode() + b" " + line + b"\n")
                sent += 1
            if over:
                break
            clock.sleep(0.02)
        self.wfile.write(b"0\r\n\r\n")

    def _piece(self, line: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()

    def _mark(self, key: Key, version: int) -> None:
        mark: Object = {"kind": key.kind.name, "apiVersion": key.kind.api}
        self._tell("BOOKMARK", {**mark, "metadata": {"resourceVersion": str(version)}})

    def _tell(self, what: str, item: Object) -> None:
        self._piece(json.dumps({"type": what, "object": item}).encode() + b"\n")

    def _send(self, code: int, one: Object) -> None:
        self._write(code, json.dumps(one).encode(), "application/json")

    def _write(self, code: int, body: bytes, form: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", form)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _kind(api: str, plural: str) -> Kind:
    for kind, name in SERVED.items():
        if (kind.api, name) == (api, plural):
            return kind
    raise cluster_refusals.unknown_path()


__all__ = ["ClusterServer"]
