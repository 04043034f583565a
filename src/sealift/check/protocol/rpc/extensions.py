"""Extensions over gRPC, judged where the server has them: health, reflection, streams, models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sealift.check.protocol.rpc.call import Call, framed
from sealift.check.protocol.rpc.inference import same
from sealift.check.protocol.rpc.messages import (
    ASKED,
    HEALTH,
    METHODS,
    OLD_REFLECTION,
    REFLECTION,
    SERVICE,
)
from sealift.check.protocol.rpc.refusal import refused
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rpc.wire import MalformedError, written
from sealift.check.protocol.rule import Fault, Seen, Spared, extension, rule, transport

_CHECK = f"/{HEALTH}/Check"
_STREAM = f"/{SERVICE}/ModelStreamInfer"
_SERVING = 1
_KEPT_BACK = ("UNAVAILABLE", "PERMISSION_DENIED", "UNAUTHENTICATED")
_OTHER = Spared("ModelStreamInfer is another method of that name")


def _lacks(call: Call, what: str) -> Spared | None:
    """Why there is nothing to judge."""
    if call.status == "UNIMPLEMENTED":
        return Spared(f"the server has no {what}")
    if call.status in _KEPT_BACK:
        return Spared(f"the server keeps its {what} back: {call.status} {call.reason}".strip())
    return None


@rule("must", transport("Health checking protocol", "Check"))
def health_service(remote: Remote) -> Iterator[Seen]:
    """The service of health says SERVING of the whole server, if there is one."""
    call = remote.ask(_CHECK)
    lacks = _lacks(call, "service of health")
    if lacks:
        yield lacks
    elif not call.ok or call.answer.get("status") != _SERVING:
        yield Fault("It does not say SERVING, although the model answers.", call)


@rule("should", transport("Health checking protocol", "an unknown service"))
def health_of_an_unknown_service(remote: Remote) -> Iterator[Seen]:
    """The health of a service that is not there is NOT_FOUND."""
    call = remote.ask(_CHECK, service="no.such.Service")
    lacks = _lacks(call, "service of health")
    if lacks:
        yield lacks
    else:
        yield from refused(call, "NOT_FOUND")


@rule("must", transport("Server reflection protocol", "list_services"))
def reflection_lists_the_service(remote: Remote) -> Iterator[Seen]:
    """Reflection lists the service of the protocol, if there is reflection."""
    for service in (REFLECTION, OLD_REFLECTION):
        path = f"/{service}/ServerReflectionInfo"
        value = {"list_services": "*"}
        body = framed(written(METHODS[path][0], value))
        call = remote.send(path, body, value=value, messages=1)
        if call.status == "UNIMPLEMENTED":
            continue
        listed = call.answer.get("list_services_response", {}).get("service", [])
        if SERVICE not in [one.get("name") for one in listed]:
            yield Fault(f"{SERVICE} is not listed.", call)
        return
    yield Spared("the server has no reflection")


@rule("must", extension("model repository, gRPC", "RepositoryIndex"))
def repository_lists_the_model(remote: Remote) -> Iterator[Seen]:
    """The index of the repository has the model, with its state, if there is one."""
    call = remote.ask("RepositoryIndex")
    lacks = _lacks(call, "repository")
    if lacks:
        yield lacks
        return
    found = [one for one in call.answer.get("models", []) if one.get("name") == remote.model]
    if not call.ok or not found:
        yield Fault("The model is not listed.", call)
    elif not any(one.get("state") == "READY" for one in found):
        yield Fault("The model is not READY, although it answers.", call)


@rule("must", extension("statistics, gRPC", "ModelStatistics"))
def statistics_count(remote: Remote) -> Iterator[Seen]:
    """The statistics of the model, if there are any, count an inference."""
    before = remote.ask("ModelStatistics", name=remote.model)
    lacks = _lacks(before, "statistics")
    if lacks:
        yield lacks
        return
    remote.infer(remote.good())
    after = remote.ask("ModelStatistics", name=remote.model)
    if not after.ok or _count(after) <= _count(before):
        yield Fault("'inference_count' does not grow with an inference.", after)


def _count(call: Call) -> int:
    return sum(one.get("inference_count", 0) for one in call.answer.get("model_stats", []))


@rule("must", extension("model configuration, gRPC", "ModelConfig"))
def configuration_names_the_model(remote: Remote) -> Iterator[Seen]:
    """The configuration of the model, if it is told, has the model's name."""
    call = remote.ask("ModelConfig", name=remote.model)
    lacks = _lacks(call, "configuration")
    if lacks:
        yield lacks
    elif call.answer.get("config", {}).get("name") != remote.model:
        yield Fault("'name' is not the name of the model.", call)


def _streamed(remote: Remote, *bodies: dict[str, Any]) -> Call:
    """A stream of these requests, and its answers."""
    sent = b"".join(framed(written(ASKED, one)) for one in bodies)
    return remote.send(_STREAM, sent, note=f"{len(bodies)} requests in a stream")


def _answers(call: Call) -> list[dict[str, Any]] | Seen:
    """The answers of a stream, or why there are none to judge."""
    lacks = _lacks(call, "ModelStreamInfer")
    if lacks:
        return lacks
    try:
        return call.told_all
    except MalformedError as error:
        return Fault(f"An answer cannot be read: {error}.", call)


@rule("should", extension("stream of inferences, gRPC", "ModelStreamInferResponse"))
def stream_is_tritons(remote: Remote) -> Iterator[Seen]:
    """A stream of that name has answers that hold an error_message or an infer_response."""
    call = _streamed(remote, remote.good())
    found = _answers(call)
    if not isinstance(found, list):
        yield found
    elif _bare(remote, found):
        yield Fault("Its answers are bare ModelInferResponse messages.", call)


def _bare(remote: Remote, answers: list[dict[str, Any]]) -> bool:
    """Whether they are those of another method of the same name, which lead with the model."""
    return any(one.get("error_message") == remote.model for one in answers)


@rule("must", extension("stream of inferences, gRPC", "ModelStreamInfer"))
def stream_is_answered(remote: Remote) -> Iterator[Seen]:
    """A stream of requests, if there are streams, has an answer for each, under its id."""
    call = _streamed(remote, remote.good(id="one"), remote.good(id="two"))
    found = _answers(call)
    if not isinstance(found, list):
        yield found
        return
    if _bare(remote, found):
        yield _OTHER
        return
    ids = sorted(one.get("infer_response", {}).get("id", "") for one in found)
    if not call.ok:
        yield Fault("The stream does not end with OK.", call)
    elif ids != ["one", "two"]:
        yield Fault(f"Its answers have the ids {ids}, not those of the requests.", call)


@rule("must", extension("stream of inferences, gRPC", "error_message"))
def stream_tells_errors(remote: Remote) -> Iterator[Seen]:
    """A request of a stream that fails is told in it, and the next one is answered."""
    bad = remote.good(id="bad", model_name="no-such-model")
    call = _streamed(remote, remote.good(id="first"), bad, remote.good(id="last"))
    found = _answers(call)
    if not isinstance(found, list):
        yield found
        return
    if _bare(remote, found):
        yield _OTHER
        return
    if not any(one.get("error_message") for one in found):
        yield Fault("No answer has an error_message.", call)
    if not any(one.get("infer_response", {}).get("id") == "last" for one in found):
        yield Fault("The request after it has no answer.", call, "should")


@rule("should", extension("stream of inferences, gRPC", "ModelStreamInfer"))
def stream_ends_well(remote: Remote) -> Iterator[Seen]:
    """A stream without requests, if there are streams, ends with OK and no answer."""
    call = remote.send(_STREAM, b"", note="a stream without requests")
    lacks = _lacks(call, "ModelStreamInfer")
    if lacks:
        yield lacks
    elif not call.ok or call.heard.data:
        yield Fault("It does not end with OK and without answers.", call)
    yield from same(remote, remote.infer(remote.good()), "The valid request after it")


RULES = (
    health_service,
    health_of_an_unknown_service,
    reflection_lists_the_service,
    repository_lists_the_model,
    statistics_count,
    configuration_names_the_model,
    stream_is_tritons,
    stream_is_answered,
    stream_tells_errors,
    stream_ends_well,
)

__all__ = ["RULES"]
