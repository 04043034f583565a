"""Extensions that a server says to have are there."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, extension, rest, rule
from sealift.check.protocol.server import JSON, Server
from sealift.types import Json

_RESTRICTED = (401, 403)
_NOT_FOR_US = Spared("only whoever has a token may ask")


@rule("must", extension("model repository", "Index"))
def repository_lists_the_model(server: Server) -> Iterator[Seen]:
    """POST v2/repository/index lists the model with its state."""
    if "model_repository" not in server.extensions:
        yield Spared("the server does not have the extension model_repository")
        return
    answer = server.ask("POST", "/v2/repository/index", b"{}", {"content-type": JSON})
    if answer.status in _RESTRICTED:
        yield _NOT_FOR_US
        return
    listed = answer.json if answer.ok else None
    found: list[dict[str, Json]] = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and one.get("name") == server.model
    ]
    if not found:
        yield Fault("The model is not in the list.", answer)
    for one in found:
        for member in ("state", "reason"):
            if not isinstance(one.get(member), str):
                yield Fault(f"There is no text {member!r}.", answer)


@rule("must", extension("statistics", "Statistics Response JSON Object"))
def statistics_count(server: Server) -> Iterator[Seen]:
    """GET v2/models/NAME/stats counts the inferences of the model."""
    if "statistics" not in server.extensions:
        yield Spared("the server does not have the extension statistics")
        return
    before = _count(server)
    server.infer(server.good())
    answer = server.get(f"{server.path}/stats")
    if answer.status in _RESTRICTED:
        yield _NOT_FOR_US
        return
    after = _count(server)
    if before is None or after is None:
        yield Fault("There is no 'inference_count' of this model.", answer)
    elif after <= before:
        yield Fault(f"After an inference it is {after}, as before.", answer)


def _count(server: Server) -> int | None:
    listed = server.get(f"{server.path}/stats").object.get("model_stats")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("name") == server.model:
            count = one.get("inference_count")
            return count if isinstance(count, int) else None
    return None


@rule("unclear", rest("table of paths; contradiction 7, no list of models"))
def list_of_models(server: Server) -> Iterator[Seen]:
    """The protocol has no path that lists the models; KServe's servers have v2/models."""
    answer = server.get("/v2/models")
    yield Choice(f"GET v2/models: {answer.status}", answer)


RULES = (repository_lists_the_model, statistics_count, list_of_models)

__all__ = ["RULES"]
