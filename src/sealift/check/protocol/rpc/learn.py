"""What a server serves over gRPC, found out from its metadata, and a message that it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from sealift.check.protocol.rpc.call import Call
from sealift.check.protocol.rpc.contents import TYPED, Given, given
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.tensor import FORMATS, TRIED, Tensor, flat, read, sizes
from sealift.errors import CheckError, MachineError
from sealift.types import Json

NAME = "Name the model that is to be graded with --model-name."
EXAMPLE = "Give the body of a REST request that it accepts with --example FILE."


def learn(remote: Remote, *, model: str = "", example: dict[str, Json] | None = None) -> None:
    """Find the model (``model`` if named), its tensors, and a message that it answers.

    The tensors are those of ``example``, else those that were learnt over HTTP, else made up from
    the metadata. Raises ``MachineError`` where nobody answers, and ``CheckError`` where the model
    or a message cannot be found out.
    """
    remote.about = remote.ask("ServerMetadata")
    if not remote.about.answered:
        raise MachineError(
            f"No server answers: {remote.about.heard.lost}.",
            where=remote.address,
            remedy="Start it, or mend the address; it is spoken to without TLS.",
        )
    remote.extensions = frozenset(remote.about.answer.get("extensions", []))
    remote.model = model or (remote.rest.model if remote.rest else only_model(remote))
    remote.metadata = remote.ask("ModelMetadata", name=remote.model)
    said = remote.metadata.answer
    remote.inputs, remote.outputs = read(said.get("inputs")), read(said.get("outputs"))
    remote.versions = said.get("versions", [])
    body = example or (remote.rest.request if remote.rest else None)
    accepted(remote, body)


def only_model(remote: Remote) -> str:
    """The name of the server's only model, by the repository extension. Raises ``CheckError``."""
    listed = remote.ask("RepositoryIndex").answer.get("models", [])
    names = {one.get("name", "") for one in listed}
    if len(names) != 1:
        found = ", ".join(sorted(names))
        raise CheckError(
            f"The server has several models: {found}." if names else "No model is listed.",
            where=remote.address,
            remedy=NAME,
        )
    return str(names.pop())


def accepted(remote: Remote, body: dict[str, Json] | None) -> None:
    """Keep tensors that the server answers, typed if it takes that. Raises ``CheckError``."""
    tried: list[Call] = []
    candidates = made_up(remote.inputs) if body is None else [of_body(body)]
    for tensors in candidates:
        forms = (False, True) if all(one.datatype in TYPED for one in tensors) else (True,)
        for raw in forms:
            answer = remote.infer(remote.good(tensors, raw=raw))
            if answer.ok:
                remote.given, remote.raw, remote.good_call = tuple(tensors), raw, answer
                return
            tried.append(answer)
    if not tried:
        raise CheckError(
            f"The metadata of model {remote.model!r} declare no inputs: {remote.metadata.told}",
            where=remote.metadata.command,
            remedy=EXAMPLE if remote.metadata.ok else NAME,
        )
    raise CheckError(
        f"No valid message is known: the model {remote.model!r} refused what was tried. "
        f"First answer: {tried[0].told}",
        where=tried[0].command,
        remedy=EXAMPLE,
    )


def made_up(inputs: Sequence[Tensor]) -> Iterator[list[Given]]:
    """Tensors for the declared inputs: a few values, shapes as declared and with rows before."""
    batched = [Tensor(one.name, one.datatype, (-1, *one.shape)) for one in inputs]
    for declared, attempt in product((inputs, batched), range(TRIED)) if inputs else ():
        yield [of_tensor(one.filled(attempt)) for one in declared]


def of_body(body: dict[str, Json]) -> list[Given]:
    """The tensors in the body of a REST request. Raises ``CheckError`` for those with no data."""
    inputs = body.get("inputs")
    listed = [one for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else []
    try:
        return [of_tensor(one) for one in listed]
    except (KeyError, TypeError) as error:
        raise CheckError("The example has an input that is none.", remedy=EXAMPLE) from error


def of_tensor(one: dict[str, Any]) -> Given:
    """A tensor as REST has it; whole numbers in the place of fractions are taken as those."""
    datatype, shape = str(one["datatype"]), sizes(one["shape"]) or []
    data = flat(one["data"])
    if FORMATS.get(datatype, "") in ("e", "f", "d"):
        data = [float(value) if isinstance(value, int) else value for value in data]
    return given(str(one["name"]), datatype, shape, data)


__all__ = ["accepted", "learn", "made_up", "of_body", "only_model"]
