"""A gateway of a cluster in memory that carries real requests, and pods that answer them.

Requests come in on loopback HTTP and follow the HTTPRoute as it is at the moment, its weights and
filters; pods count them as Sealift's server does.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from sealift.kubernetes.kinds import CLASS, GATEWAY, POD, ROUTE
from sealift.kubernetes.objects import Object
from sealift.kubernetes.pods import ready
from sealift.kubernetes.reading import entries, part, text
from sealift.testing.cluster import Key
from sealift.testing.cluster_server import ClusterServer
from sealift.types import Json

_PLACE = 50
"""The bucket of all durations: about 12 ms."""

Answer = Callable[[int], int]
"""From the version that was asked to the status of its answer."""


class ClusterTraffic:
    """A context manager: a Gateway ``name`` with its class, and what goes through it.

    ``answer`` gives the status of each prediction. After a route changed, the next ``lag`` requests
    still follow the one before. ``answered`` are the answers by version and status. Servers that
    are ``older`` count nothing by route.
    """

    def __init__(self, cluster: ClusterServer, namespace: str, *, name: str = "public") -> None:
        self.answer: Answer = lambda _: 200
        self.lag = 0
        self.older = False
        self.answered: Counter[tuple[int, int]] = Counter()
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[tuple[str, int]]] = {}
        self._owed: Counter[str] = Counter()
        self._route: Object = {}
        self._late = 0
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        listener: Json = {"name": "web", "protocol": "HTTP", "port": self._server.server_port}
        api = GATEWAY.api
        place: Object = {"name": self._name, "namespace": self._namespace}
        addresses: list[Json] = [{"type": "IPAddress", "value": "127.0.0.1"}]
        features: list[Json] = [{"name": "HTTPRouteResponseHeaderModification"}]
        create = self._cluster.state.create
        create(
            {
                "apiVersion": api,
                "kind": GATEWAY.name,
                "metadata": place,
                "spec": {"gatewayClassName": "test", "listeners": [listener]},
                "status": {"addresses": addresses},
            }
        )
        create(
            {
                "apiVersion": api,
                "kind": CLASS.name,
                "metadata": {"name": "test"},
                "status": {"supportedFeatures": features},
            }
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def restart(self, pod: str) -> None:
        """Let the container of a pod begin anew: what it counted is gone."""
        with self._cluster.state.settled():
            held = self._cluster.state.objects[Key(POD, self._namespace, pod)]
            status = entries(held, "status", "containerStatuses")[0]
            count = status["restartCount"]
            status["restartCount"] = (count if isinstance(count, int) else 0) + 1
            self._counts.pop(pod, None)

    def pods(self, server: str) -> list[str]:
        """The pods of a version that answer, by their names."""
        service, _, version = server.rpartition("-v")
        labels = {"app.kubernetes.io/name": service, "sealift.version": version}
        found = self._cluster.state.find(POD, self._namespace, labels)
        return [text(one, "metadata", "name") for one in found if ready(one)]

    def ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """The answer to a request: status, headers, body."""
        with self._cluster.state.settled(), self._lock:
            return self._ask(path)

    def _ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        rule = self._rule()
        backends = [one for one in entries(rule, "backendRefs") if part(one, "weight") != 0]
        if not backends:
            return 500, {}, b""
        server = self._turn(backends)
        pods = self.pods(server)
        if not pods:
            return 503, {}, b"no available server"
        version = int(server.rpartition("-v")[2])
        pod = pods[sum(self.answered.values()) % len(pods)]
        generation = _set(rule, "requestHeaderModifier")
        headers = {"X-Sealift-Generation": _set(rule, "responseHeaderModifier")}
        self._cluster.pods.setdefault(pod, lambda path, _: self._metrics(pod, path))
        if path != "/predict":
            return 200, headers, b"{}"
        status = self.answer(version)
        self.answered[version, status] += 1
        self._counts.setdefault(pod, Counter())[generation, status] += 1
        return status, headers, json.dumps({"version": version}).encode()

    def _rule(self) -> Object:
        """The rule of plain requests that is in force."""
        routes = [one for key, one in self._cluster.state.objects.items() if key.kind == ROUTE]
        newest = routes[0] if routes else {}
        if part(newest, "spec") != part(self._route, "spec"):
            self._late += 1
            if self._late > self.lag:
                self._route, self._late = newest, 0
                self._owed.clear()
        rules = entries(self._route, "spec", "rules")
        return rules[-1] if rules else {}

    def _turn(self, backends: list[Object]) -> str:
        """Smooth weighted round robin: who is owed the most is next."""
        weights = {text(one, "name"): int(str(part(one, "weight"))) for one in backends}
        whole = sum(weights.values())
        for name, weight in weights.items():
            self._owed[name] += weight
        chosen = max(weights, key=lambda name: self._owed[name])
        self._owed[chosen] -= whole
        return chosen

    def _metrics(self, pod: str, path: str) -> tuple[int, bytes]:
        if path != "/metrics":
            return 404, b""
        with self._lock:
            counts = Counter(self._counts.get(pod, Counter()))
        lines = ["sealift_in_flight 1"]
        if not self.older:
            lines.append("# TYPE sealift_routed_seconds histogram")
        for (generation, told), number in counts.items() if not self.older else ():
            labels = f'generation="{generation}",status="{told}"'
            bound = f"{0.0001 * 1.1**_PLACE:.6g}"
            lines += [
                f'sealift_routed_seconds_bucket{{{labels},le="{bound}"}} {number}',
                f'sealift_routed_seconds_bucket{{{labels},le="+Inf"}} {number}',
            ]
        return 200, "\n".join([*lines, ""]).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], traffic: ClusterTraffic) -> None:
        super().__init__(address, _Handler)
        self.traffic = traffic

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that left."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Any request."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.server.traffic.ask(self.path)
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _set(rule: Object, kind: str) -> str:
    """The value that a filter of a rule gives the one header that it sets."""
    for one in entries(rule, "filters"):
        for header in entries(one, kind, "set"):
            return text(header, "value")
    return ""


__all__ = ["ClusterTraffic"]
