"""A registry in this process, on real loopback HTTP, that misbehaves as its ``faults`` say."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from sealift import clock, digest
from sealift.record.image import INDEX
from sealift.testing.registry_faults import Faults, Seen
from sealift.testing.registry_routes import ROUTES

_PIECE = 1 << 16


class RegistryServer:
    """A context manager; ``host`` is where it listens. Everything is kept in memory.

    With ``tls`` (a certificate of the server's) it speaks HTTPS.
    ``blobs``, ``manifests`` and ``tags`` may be changed, to damage content; ``seen`` is every
    request, in order.
    """

    def __init__(self, faults: Faults | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.faults = faults or Faults()
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.sessions: dict[str, bytearray] = {}
        self.tokens: dict[str, tuple[float, list[str]]] = {}
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.end()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def next(self, faults: list[int]) -> int | None:
        """Use one fault up."""
        with self.lock:
            return faults.pop(0) if faults else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], registry: RegistryServer) -> None:
        super().__init__(address, _Handler)
        self.registry = registry
        self._open: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, object]:
        """A new connection, noted so that it can be ended."""
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def end(self) -> None:
        """Close what listens and what is connected."""
        self.server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _CutError(Exception):
    """The connection is to be cut."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Any request."""
        self._registry = self.server.registry
        self._faults = self._registry.faults
        self._status, self._size = 0, 0
        url = urlsplit(self.path)
        self._query = {name: texts[0] for name, texts in parse_qs(url.query).items()}
        try:
            self._route(url.path)
        except (_CutError, OSError):
            self.close_connection = True
            if not self._status:
                self._note()

    def _note(self) -> None:
        """Put the request down, before the client can know the answer."""
        heads = {name.lower(): text for name, text in self.headers.items()}
        seen = Seen(self.command, self.path, heads, self._status, self._size)
        self._registry.seen.append(seen)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _route(self, path: str) -> None:
        for name, pattern in ROUTES:
            found = pattern.fullmatch(path)
            if not found:
                continue
            self._repo = unquote(found.groupdict().get("repo") or "")
            self._name = found.groupdict().get("name") or ""
            free = name in ("token", "storage")
            if not free and self._faults.answers:
                status, after = self._faults.answers.pop(0)
                self._fail(status, "TOOMANYREQUESTS", {"Retry-After": after} if after else {})
            elif free or self._admits():
                getattr(self, f"_{name}")()
            return
        self._fail(404, "NOT_FOUND")

    def _body(self) -> Iterator[bytes]:
        """The content of the request, cut where the faults say so."""
        left = int(self.headers.get("Content-Length") or 0)
        cut = self._registry.next(self._faults.cut_uploads) if left > _PIECE else None
        while left:
            piece = self.rfile.read(min(_PIECE, left))
            if not piece:
                raise _CutError
            left -= len(piece)
            self._size += len(piece)
            if cut is not None and self._size >= cut:
                yield piece[: len(piece) - (self._size - cut)]
                raise _CutError
            yield piece

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        for _ in self._body() if not self._size else ():
            pass
        self._status = status
        self._note()
        self.send_response(status)
        sent = {"Content-Length": str(len(body)), **headers}
        for name, text in sent.items():
            self.send_header(name, text)
        for text in self._faults.warnings:
            self.send_header("Warning", text)
        self.end_headers()
        if self.command != "HEAD":
            self._write(body)

    def _write(self, body: bytes) -> None:
        big = len(body) > _PIECE
        cut = self._registry.next(self._faults.cut_downloads) if big else None
        for start in range(0, len(body), _PIECE):
            if cut is not None and start >= cut:
                raise _CutError
            self.wfile.write(body[start : start + _PIECE])

    def _fail(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self._answer(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def _admits(self) -> bool:
        faults, shown = self._faults, self.headers.get("Authorization", "")
        if faults.login is None:
            return True
        if faults.scheme == "Basic" and shown == _basic(faults.login):
            return True
        until, scopes = self._registry.tokens.get(shown.removeprefix("Bearer "), (0.0, []))
        writes = self.command not in ("GET", "HEAD")
        wanted = f"repository:{self._repo}:{'pull,push' if writes else 'pull'}"
        known = any(one.startswith(wanted) for one in scopes)
        if faults.scheme == "Bearer" and clock.monotonic() < until and known:
            return True
        asked = f'Basic realm="{self._registry.host}"'
        if faults.scheme == "Bearer":
            realm = f"http://{self._registry.host}/token"
            asked = f'Bearer realm="{realm}",service="registry",scope="{wanted}"'
        self._fail(401, "UNAUTHORIZED", {"WWW-Authenticate": asked})
        return False

    def _token(self) -> None:
        form = parse_qs(b"".join(self._body()).decode())
        query = parse_qs(urlsplit(self.path).query)
        shown = self.headers.get("Authorization", "")
        by_password = self._faults.login and shown == _basic(self._faults.login)
        offered = form.get("refresh_token", [""])[0]
        if not by_password and not (offered and offered == self._faults.identity):
            self._fail(401, "UNAUTHORIZED")
            return
        scopes = [*query.get("scope", []), *" ".join(form.get("scope", [])).split()]
        if any(one.split(":")[1] == self._faults.forbidden for one in scopes):
            self._fail(403, "DENIED")
            return
        token = clock.token(32)
        self._registry.tokens[token] = (clock.monotonic() + self._faults.token_seconds, scopes)
        answer = {"token": token, "expires_in": self._faults.token_seconds}
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _blob(self) -> None:
        content = self._registry.blobs.get((self._repo, self._name))
        if content is None:
            self._fail(404, "BLOB_UNKNOWN")
        elif self.command == "DELETE":
            del self._registry.blobs[self._repo, self._name]
            self._answer(202, {})
        elif self._faults.storage and self.command == "GET":
            self._answer(307, {"Location": f"{self._faults.storage}/storage/{self._name}"})
        else:
            self._give(content)

    def _storage(self) -> None:
        found = [one for (_, name), one in self._registry.blobs.items() if name == self._name]
        self._give(found[0])

    def _give(self, content: bytes) -> None:
        if self._faults.flips:
            content = bytes([content[0] ^ 1]) + content[1:]
        headers = {"Docker-Content-Digest": self._name} if self._faults.digests else {}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status = 200
        if asked and self._faults.ranges:
            start, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            content = content[start:]
        if self._faults.wrong_length and self.command == "GET":
            claimed = max(0, len(content) + self._faults.wrong_length)
            headers["Content-Length"] = str(claimed)
            content = content[:claimed]
            self.close_connection = True
        self._answer(status, headers, content)

    def _begin(self) -> None:
        wanted, source = self._query.get("mount"), self._query.get("from", "")
        found = self._registry.blobs.get((source, wanted or ""))
        if found is not None and self._faults.mounts:
            self._registry.blobs[self._repo, wanted or ""] = found
            self._answer(201, {"Location": f"/v2/{self._repo}/blobs/{wanted}"})
            return
        name = clock.token(16)
        self._registry.sessions[name] = bytearray()
        self._session_answer(202, name)

    def _session_answer(self, status: int, name: str) -> None:
        """Where the next bytes go: relative, and with state that changes with every request."""
        held = self._registry.sessions[name]
        headers = {"Location": f"/v2/{self._repo}/blobs/uploads/{name}?_state={len(held)}%3Dx"}
        headers["Range"] = f"0-{max(0, len(held) - 1)}"
        if self._faults.least_chunk:
            headers["OCI-Chunk-Min-Length"] = str(self._faults.least_chunk)
        self._answer(status, headers)

    def _session(self) -> None:
        held = self._registry.sessions.get(self._name)
        lost = self._faults.lose_sessions
        if held is not None and lost and len(held) >= lost[0]:
            self._registry.next(lost)
            held = self._registry.sessions.pop(self._name, None) and None
        if held is None:
            self._fail(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "GET":
            self._session_answer(204, self._name)
        elif self.command == "DELETE":
            del self._registry.sessions[self._name]
            self._answer(204, {})
        elif self._query.get("_state") != f"{len(held)}=x":
            self._fail(416, "BLOB_UPLOAD_INVALID")
        elif (
            self._faults.most_body < int(self.headers["Content-Length"]) and self._faults.most_body
        ):
            self._fail(413, "SIZE_INVALID")
        else:
            self._receive(held)

    def _receive(self, held: bytearray) -> None:
        before = len(held)
        span = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", "0-0"))
        if self.command == "PATCH" and (span is None or int(span[1]) != before):
            self._fail(416, "BLOB_UPLOAD_INVALID")
            return
        try:
            for piece in self._body():
                held += piece
        except _CutError:
            if not self._faults.keeps_cut:
                del held[before:]
            raise
        if self.command == "PATCH":
            self._session_answer(202, self._name)
            return
        wanted, found = self._query.get("digest"), digest.of_bytes(bytes(held))
        if wanted != found:
            self._fail(400, "DIGEST_INVALID")
            return
        self._registry.blobs[self._repo, found] = bytes(self._registry.sessions.pop(self._name))
        self._answer(201, {"Location": "/", "Docker-Content-Digest": found})

    def _manifest(self) -> None:
        if self.command == "PUT":
            self._keep()
            return
        named = self._registry.tags.get((self._repo, self._name), self._name)
        found = self._registry.manifests.get((self._repo, named))
        if found is None:
            self._fail(404, "MANIFEST_UNKNOWN")
        elif self.command == "DELETE":
            del self._registry.manifests[self._repo, named]
            self._answer(202, {})
        else:
            headers = {"Content-Type": self._faults.media_type or found[1], "ETag": f'"{named}"'}
            if self._faults.digests:
                headers["Docker-Content-Digest"] = named
            content = found[0] + b"\n" if self._faults.flips else found[0]
            self._answer(200, headers, content)

    def _keep(self) -> None:
        content = b"".join(self._body())
        clock.sleep(self._faults.lag)
        named = digest.of_bytes(content)
        if ":" in self._name and self._name != named:
            self._fail(400, "DIGEST_INVALID")
            return
        if lacking := self._lacking(json.loads(content)):
            self._fail(404, f"MANIFEST_BLOB_UNKNOWN {lacking}")
            return
        self._registry.manifests[self._repo, named] = (content, self.headers["Content-Type"])
        if ":" not in self._name:
            self._registry.tags[self._repo, self._name] = named
        headers = {"Location": "/"}
        if self._faults.digests:
            headers["Docker-Content-Digest"] = named
        if (subject := json.loads(content).get("subject")) and self._faults.referrers:
            headers["OCI-Subject"] = subject["digest"]
        self._answer(201, headers)

    def _lacking(self, manifest: dict[str, list[dict[str, str]]]) -> str:
        """What a manifest names and nobody sent before."""
        blobs = [*manifest.get("layers", []), *filter(None, [manifest.get("config")])]
        names = {one["digest"] for one in blobs if isinstance(one, dict)}
        missing = {one for one in names if (self._repo, one) not in self._registry.blobs}
        children = {one["digest"] for one in manifest.get("manifests", [])}
        listed = self._name.startswith("sha256-")
        known = self._registry.manifests
        missing |= {one for one in children if (self._repo, one) not in known and not listed}
        return " ".join(sorted(missing))

    def _referrers(self) -> None:
        if not self._faults.referrers:
            self._fail(404, "NOT_FOUND")
            return
        found = []
        for (repo, named), (content, kind) in list(self._registry.manifests.items()):
            manifest = json.loads(content)
            if repo == self._repo and manifest.get("subject", {}).get("digest") == self._name:
                entry = {"mediaType": kind, "digest": named, "size": len(content)}
                artifact = manifest.get("artifactType") or manifest["config"]["mediaType"]
                notes = manifest.get("annotations")
                entry |= {"artifactType": artifact} | ({"annotations": notes} if notes else {})
                found.append(entry)
        shown, headers = self._paged(found, f"/v2/{self._repo}/referrers/{self._name}")
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": shown}
        self._answer(200, {"Content-Type": INDEX, **headers}, json.dumps(body).encode())

    def _tags(self) -> None:
        names = sorted(tag for repo, tag in self._registry.tags if repo == self._repo)
        shown, headers = self._paged(names, f"/v2/{self._repo}/tags/list")
        self._answer(200, headers, json.dumps({"name": self._repo, "tags": shown}).encode())

    def _paged(self, items: Sequence[object], path: str) -> tuple[Sequence[object], dict[str, str]]:
        start, page = int(self._query.get("last", 0)), self._faults.page
        if not page or start + page >= len(items):
            return items[start:], {}
        link = f'<{path}?last={start + page}>; rel="next"'
        return items[start : start + page], {"Link": link}


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


__all__ = ["Faults", "RegistryServer", "Seen"]
