"""What a server serves, found out from its own metadata, and a request that it answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.server import JSON, Server
from sealift.check.protocol.tensor import TRIED, Tensor, read
from sealift.errors import CheckError, MachineError
from sealift.types import Json

NAME = "Name the model that is to be graded with --model-name."
UNTRUSTED = "Name the authority's certificate in REQUESTS_CA_BUNDLE or as network.ca."
EXAMPLE = "Give a body that it accepts with --example FILE."


def learn(server: Server, *, model: str = "", example: dict[str, Json] | None = None) -> None:
    """Find the model (``model`` if named), its tensors, and a body that it answers with 200.

    The body is ``example`` if given, else made up from the metadata. Raises ``MachineError``
    where nobody answers, and ``CheckError`` where the model or a body cannot be found out.
    """
    server.about = server.get("/v2")
    if not server.about.status:
        raise MachineError(
            f"No server answers: {server.about.lost}.",
            where=server.address,
            remedy=UNTRUSTED
            if "certificate verify failed" in server.about.lost
            else "Start it, or mend the address (its beginning, without /v2).",
        )
    if 300 <= server.about.status < 400:
        raise CheckError(
            f"The server sends elsewhere ({server.about.status}), and nobody is followed there.",
            where=f"{server.address} -> {server.about.received.get('location', 'nowhere')}",
            remedy="Name the address that it sends to.",
        )
    listed = server.about.object.get("extensions")
    server.extensions = frozenset(map(str, listed if isinstance(listed, list) else []))
    server.model = model or only_model(server)
    server.metadata = server.get(server.path)
    said = server.metadata.object
    server.inputs = read(said.get("inputs"))
    server.outputs = read(said.get("outputs"))
    versions = said.get("versions")
    server.versions = [str(one) for one in versions] if isinstance(versions, list) else []
    server.request, server.answer = accepted(server, example)


def only_model(server: Server) -> str:
    """The name of the server's only model, by the repository extension or as KServe lists it.

    Raises ``CheckError`` where it cannot be told.
    """
    index = server.ask("POST", "/v2/repository/index", b"{}", {"content-type": JSON})
    listed = index.json if index.ok else None
    if not isinstance(listed, list):
        listed = server.get("/v2/models").object.get("models")
    names = {
        str(one.get("name")) if isinstance(one, dict) else str(one)
        for one in (listed if isinstance(listed, list) else [])
    }
    if len(names) != 1:
        found = ", ".join(sorted(names))
        strange = not server.about.object.get("name")
        doubt = f" GET /v2 is answered with {server.about.told}" if strange else ""
        raise CheckError(
            f"The server has several models: {found}." if names else f"No model is listed.{doubt}",
            where=server.address,
            remedy=f"See whether it speaks the Open Inference Protocol there. {NAME}"
            if strange
            else NAME,
        )
    return names.pop()


def accepted(server: Server, example: dict[str, Json] | None) -> tuple[dict[str, Json], Exchange]:
    """A body that the server answers with 200, and its answer. Raises ``CheckError``."""
    tried: list[Exchange] = []
    for body in [example] if example is not None else made_up(server):
        answer = server.infer(body)
        if answer.ok:
            return body, answer
        tried.append(answer)
    if not tried:
        raise CheckError(
            f"The metadata of model {server.model!r} declare no inputs: {server.metadata.told}",
            where=server.metadata.url,
            remedy=EXAMPLE if server.metadata.ok else NAME,
        )
    raise CheckError(
        f"No valid request is known: the model {server.model!r} refused what was tried. "
        f"First answer: {tried[0].told}",
        where=tried[0].command,
        remedy="Mend the example." if example is not None else EXAMPLE,
    )


def made_up(server: Server) -> Iterator[dict[str, Json]]:
    """Bodies for the declared inputs: a few values, data flat and nested, shapes as declared and
    with a dimension of rows before."""
    if not server.inputs:
        return
    batched = [Tensor(one.name, one.datatype, (-1, *one.shape)) for one in server.inputs]
    forms = product((server.inputs, batched), (False, True), range(TRIED))
    for inputs, nested, attempt in forms:
        yield {"inputs": [one.filled(attempt, nested=nested) for one in inputs]}


__all__ = ["accepted", "learn", "made_up", "only_model"]
