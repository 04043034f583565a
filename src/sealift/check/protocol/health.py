"""Health: the server and the model say whether they live and whether they are ready."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.rule import Choice, Fault, Seen, rest, rule
from sealift.check.protocol.server import Server


def _alive(answer: Exchange) -> Iterator[Seen]:
    if not answer.ok:
        yield Fault("It is not answered with 200, although the model answers.", answer)


@rule("must", rest("table of paths, Server Live"))
def server_live(server: Server) -> Iterator[Seen]:
    """GET v2/health/live is answered with 200 by a server that answers requests."""
    yield from _alive(server.get("/v2/health/live"))


@rule("must", rest("table of paths, Server Ready"))
def server_ready(server: Server) -> Iterator[Seen]:
    """GET v2/health/ready is answered with 200 when every model is ready."""
    yield from _alive(server.get("/v2/health/ready"))


@rule("must", rest("table of paths, Model Ready"))
def model_ready(server: Server) -> Iterator[Seen]:
    """GET v2/models/NAME/ready is answered with 200 by a model that answers requests."""
    yield from _alive(server.get(f"{server.path}/ready"))


@rule("must", rest("Model Ready Response JSON Object"))
def model_ready_body(server: Server) -> Iterator[Seen]:
    """The readiness of a model is an object of its name and the truth "ready"."""
    answer = server.get(f"{server.path}/ready")
    said = answer.object
    if said.get("ready") is not True:
        yield Fault('There is no "ready": true.', answer)
    if said.get("name") != server.model:
        yield Fault("The name of the model is missing.", answer)


@rule("must", rest("table of definitions, Model Ready"))
def unknown_model_is_not_ready(server: Server) -> Iterator[Seen]:
    """A model that the server does not have is not said to be ready."""
    answer = server.get("/v2/models/no-such-model/ready")
    if answer.ok and answer.object.get("ready") is not False:
        yield Fault("A model that is not there is ready.", answer)
    elif answer.status >= 500 or not answer.status:
        yield Fault("A client's mistake is answered as the server's fault.", answer, "should")


@rule("unclear", rest("Server Ready and Server Live Response JSON Object; contradiction 1"))
def health_bodies(server: Server) -> Iterator[Seen]:
    """The text gives readiness the key "live", the OpenAPI document gives no body at all."""
    for path in ("/v2/health/live", "/v2/health/ready"):
        answer = server.get(path)
        text = answer.content[:60].decode(errors="replace") or "an empty body"
        yield Choice(f"{path.rpartition('/')[2]}: {text}", answer)


RULES = (
    server_live,
    server_ready,
    model_ready,
    model_ready_body,
    unknown_model_is_not_ready,
    health_bodies,
)

__all__ = ["RULES"]
