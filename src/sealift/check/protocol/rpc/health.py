"""Health over gRPC: the server and the model say whether they live and whether they are ready."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.rpc.call import Call
from sealift.check.protocol.rpc.refusal import in_form
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, grpc, rule


def _true(call: Call, member: str) -> Iterator[Seen]:
    if not call.ok:
        yield Fault("It is not answered with OK, although the model answers.", call)
    elif call.answer.get(member) is not True:
        yield Fault(f"{member!r} is not true, although the model answers.", call)


@rule("must", grpc("Server Live"))
def server_live(remote: Remote) -> Iterator[Seen]:
    """ServerLive tells "live" of a server that answers requests."""
    yield from _true(remote.ask("ServerLive"), "live")


@rule("must", grpc("Server Ready"))
def server_ready(remote: Remote) -> Iterator[Seen]:
    """ServerReady tells "ready" when every model is ready."""
    yield from _true(remote.ask("ServerReady"), "ready")


@rule("must", grpc("Model Ready"))
def model_ready(remote: Remote) -> Iterator[Seen]:
    """ModelReady tells "ready" of a model that answers requests."""
    yield from _true(remote.ask("ModelReady", name=remote.model), "ready")


@rule("must", grpc("Model Ready, version"))
def version_is_ready(remote: Remote) -> Iterator[Seen]:
    """ModelReady can be asked of each version that the metadata name."""
    if not remote.versions:
        yield Spared("the model tells no versions")
        return
    asked = remote.ask("ModelReady", name=remote.model, version=remote.versions[0])
    yield from _true(asked, "ready")


@rule("must", grpc("Model Ready"))
def unknown_model_is_not_ready(remote: Remote) -> Iterator[Seen]:
    """A model that the server does not have is not said to be ready."""
    call = remote.ask("ModelReady", name="no-such-model")
    if not call.answered:
        yield Fault("No answer comes.", call)
    elif call.ok and call.answer.get("ready"):
        yield Fault("A model that is not there is ready.", call)


@rule("unclear", grpc("Health, errors by the status; Model Ready, not ready; contradiction 1"))
def what_is_not_ready(remote: Remote) -> Iterator[Seen]:
    """A model that is not there may be "not ready" or an error: both are written."""
    call = remote.ask("ModelReady", name="no-such-model")
    yield Choice(f"an unknown model: {'not ready' if call.ok else call.status}", call)
    if call.answered and not call.ok:
        yield from in_form(call, "NOT_FOUND")


RULES = (
    server_live,
    server_ready,
    model_ready,
    version_is_ready,
    unknown_model_is_not_ready,
    what_is_not_ready,
)

__all__ = ["RULES"]
