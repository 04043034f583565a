"""A cluster by the HTTP API of Kubernetes.

Source: Kubernetes API concepts (server-side apply, watches, bookmarks, resource versions).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, Self, cast

import httpx
import msgspec

from sealift.adapters.clusters.login import login
from sealift.adapters.clusters.transport import client
from sealift.errors import AwayError, ClusterError, OfflineError
from sealift.kubernetes.kinds import Change, Kind, Listing, kind_of
from sealift.kubernetes.objects import MANAGER, Object
from sealift.kubernetes.reading import entries, part, text, title
from sealift.kubernetes.refusal import refusal, unknown_kind
from sealift.network.network import Network

_PAGE = 500
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_GONE = 410
_QUIET = httpx.Timeout(5.0)
"""How long a log that is followed may say nothing before it is looked whether it will."""
_ANSWER = 10.0
"""Seconds that a pod gets to answer."""
_WHAT: dict[str, Literal["added", "modified", "deleted", "bookmark"]] = {
    "added": "added",
    "modified": "modified",
    "deleted": "deleted",
    "bookmark": "bookmark",
}


class KubernetesCluster:
    """A cluster of the kubeconfig, by context; implements ``Cluster``.

    Nothing is read or asked before the first method is called. A context manager: connections are
    closed at its end.
    """

    def __init__(self, context: str, network: Network, manager: str = MANAGER) -> None:
        self._context = context
        self._network = network
        self._manager = manager
        self._known: dict[str, dict[str, Object]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _login(self) -> Any:
        return login(self._context, os.environ)

    @cached_property
    def _client(self) -> httpx.Client:
        if not self._network.reaches(self._login.server):
            raise OfflineError(
                "The network is switched off.",
                where=self._login.server,
                remedy="Switch it on in [network], or unset SEALIFT_OFFLINE.",
            )
        return client(self._login)

    @property
    def address(self) -> str:
        """Where it answers, and as which context."""
        return f"{self._login.server} ({self._login.context})"

    def apply(self, one: Object, *, force: bool = False) -> Object:
        """See ``Cluster.apply``: server-side apply as this field manager."""
        kind, name = kind_of(one), text(one, "metadata", "name")
        query = {
            "fieldManager": self._manager,
            "force": str(force).lower(),
            "fieldValidation": "Strict",
        }
        answer = self._ask(
            "PATCH",
            self._path(kind, text(one, "metadata", "namespace"), name),
            f"apply {title(one)}",
            params=query,
            content=msgspec.json.encode(one),
            headers={"Content-Type": _APPLY},
        )
        return _object(answer)

    def get(self, kind: Kind, name: str, namespace: str) -> Object | None:
        """See ``Cluster.get``."""
        path = self._path(kind, namespace, name)
        asked = f"get {kind.name.lower()} {name}"
        answer = self._ask("GET", path, asked, absent=True)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _object(answer)

    def find(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> Listing:
        """See ``Cluster.find``; in pages."""
        query = {"labelSelector": _selector(labels), "limit": str(_PAGE)}
        found: list[Object] = []
        while True:
            path = self._path(kind, namespace)
            answer = self._ask("GET", path, f"list {kind.name.lower()}", params=query)
            said = _object(answer)
            # the items of a list do not say what they are
            here: Object = {"apiVersion": kind.api, "kind": kind.name}
            found += [{**here, **one} for one in entries(said, "items")]
            version = text(said, "metadata", "resourceVersion")
            query["continue"] = text(said, "metadata", "continue")
            if not query["continue"]:
                return Listing(tuple(found), version)

    def delete(self, one: Object) -> None:
        """See ``Cluster.delete``: only the object of this uid, and what it owns before it."""
        kind, name = kind_of(one), text(one, "metadata", "name")
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": text(one, "metadata", "uid")},
        }
        self._ask(
            "DELETE",
            self._path(kind, text(one, "metadata", "namespace"), name),
            f"delete {title(one)}",
            absent=True,
            replaced=True,
            content=msgspec.json.encode(options),
            headers={"Content-Type": "application/json"},
        )

    def watch(
        self, kind: Kind, namespace: str, labels: Mapping[str, str], *, since: str, seconds: int
    ) -> Iterator[Change]:
        """See ``Cluster.watch``; a connection that breaks ends it."""
        query = {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "labelSelector": _selector(labels),
            "timeoutSeconds": str(seconds),
        }
        asked = f"watch {kind.name.lower()}"
        path = self._path(kind, namespace)
        patience = httpx.Timeout(seconds + 5.0, connect=5.0)
        try:
            with self._client.stream("GET", path, params=query, timeout=patience) as answer:
                if answer.status_code == _GONE:
                    yield Change("expired", {}, "")
                    return
                if answer.is_error:
                    answer.read()
                    raise _refused(answer, asked)
                for line in answer.iter_lines():
                    yield _change(line, asked)
        except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError, msgspec.DecodeError):
            return  # who watches goes on from the last change
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def follow(self, pod: str, namespace: str, *, container: str, since: str) -> Iterator[bytes]:
        """See ``Cluster.follow``."""
        query = {"container": container, "follow": "true", "timestamps": "true"}
        if since:
            query["sinceTime"] = since
        path = f"{self._path(Kind('v1', 'Pod'), namespace, pod)}/log"
        try:
            with self._client.stream("GET", path, params=query, timeout=_QUIET) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refused(answer, f"follow the log of pod {pod}")
                yield from _lines(answer.iter_bytes())
        except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError) as error:
            raise AwayError("The log broke off, or is silent.", where=f"pod {pod}") from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def events(self, one: Object) -> tuple[Object, ...]:
        """See ``Cluster.events``."""
        uid = text(one, "metadata", "uid")
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(_PAGE)}
        path = self._path(Kind("v1", "Event"), text(one, "metadata", "namespace"))
        answer = self._ask("GET", path, f"list events of {title(one)}", params=query)
        return tuple(entries(_object(answer), "items"))

    def logs(self, pod: str, namespace: str, *, previous: bool, lines: int) -> str:
        """See ``Cluster.logs``."""
        path = f"{self._path(Kind('v1', 'Pod'), namespace, pod)}/log"
        query = {"previous": str(previous).lower(), "tailLines": str(lines)}
        return self._ask("GET", path, f"get the log of pod {pod}", params=query).text

    def fetch(
        self, pod: str, namespace: str, port: int, path: str, headers: Mapping[str, str]
    ) -> bytes:
        """See ``Cluster.fetch``: the proxy of the pod."""
        base = self._path(Kind("v1", "Pod"), namespace, f"{pod}:{port}")
        asked = f"ask pod {pod} for {path.partition('?')[0]}"
        patience = httpx.Timeout(_ANSWER, connect=5.0)
        answer = self._ask("GET", f"{base}/proxy{path}", asked, headers=headers, timeout=patience)
        return answer.content

    def _path(self, kind: Kind, namespace: str, name: str = "") -> str:
        """The path of a kind's objects, or of one; a kind that is in no namespace needs none."""
        found = self._resource(kind)
        root = f"/apis/{kind.api}" if kind.group else f"/api/{kind.api}"
        inner = f"/namespaces/{namespace}" if part(found, "namespaced") is True else ""
        return f"{root}{inner}/{text(found, 'name')}" + (f"/{name}" if name else "")

    def _resource(self, kind: Kind) -> Object:
        """What the cluster says about a kind; asked once for each API."""
        if kind.api not in self._known:
            path = f"/apis/{kind.api}" if kind.group else f"/api/{kind.api}"
            answer = self._ask("GET", path, f"what {kind.api} has", absent=True)
            said = {} if answer.status_code == httpx.codes.NOT_FOUND else _object(answer)
            rows = [one for one in entries(said, "resources") if "/" not in text(one, "name")]
            self._known[kind.api] = {text(one, "kind"): one for one in rows}
        if kind.name not in self._known[kind.api]:
            del self._known[kind.api]
            raise unknown_kind(kind.name, kind.api)
        return self._known[kind.api][kind.name]

    def _ask(
        self,
        method: str,
        path: str,
        asked: str,
        *,
        absent: bool = False,
        replaced: bool = False,
        **more: Any,
    ) -> httpx.Response:
        """A request's answer; with ``absent`` that nothing is there is one too.

        ``replaced`` is the same for an object that another one has taken the place of.
        """
        try:
            answer = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        borne = (absent, httpx.codes.NOT_FOUND), (replaced, httpx.codes.CONFLICT)
        if answer.is_error and (True, answer.status_code) not in borne:
            raise _refused(answer, asked)
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> AwayError:
        said = str(error) or type(error).__name__
        remedy = "See that it runs and that this machine reaches it: `kubectl cluster-info`."
        if "CERTIFICATE_VERIFY_FAILED" in said:
            remedy = "Get the kubeconfig anew: its authority did not sign the certificate."
        return AwayError(f"The cluster does not answer: {said}.", where=self.address, remedy=remedy)


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines without their ends; one that is cut off is no line."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _object(answer: httpx.Response) -> Object:
    try:
        return msgspec.json.decode(answer.content, type=cast("type[Object]", dict))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterError(
            "The answer is no object of Kubernetes.",
            where=str(answer.url),
            remedy="See that the address in the kubeconfig is that of a Kubernetes API.",
        ) from error


def _refused(answer: httpx.Response, asked: str) -> ClusterError:
    try:
        said = msgspec.json.decode(answer.content, type=cast("type[Object]", dict))
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    return refusal(answer.status_code, said, asked)


def _change(line: str, asked: str) -> Change:
    said = msgspec.json.decode(line, type=cast("type[Object]", dict))
    what, item = text(said, "type").lower(), part(said, "object")
    held: Object = item if isinstance(item, dict) else {}
    if what == "error":
        code = part(held, "code")
        if code == _GONE:
            return Change("expired", {}, "")
        raise refusal(code if isinstance(code, int) else 500, held, asked)
    if what not in _WHAT:
        raise ClusterError(f"The cluster tells of a change that is unknown: {what!r}.", where=asked)
    return Change(_WHAT[what], held, text(held, "metadata", "resourceVersion"))


__all__ = ["KubernetesCluster"]
