"""Grading a running server from the command line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift.check.protocol.grade import Grade, Verdict, by, grade, joined
from sealift.check.protocol.learn import learn
from sealift.check.protocol.rpc.catalogue import RULES as RPC_RULES
from sealift.check.protocol.rpc.learn import learn as learn_remote
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.server import Server
from sealift.cli.output import Page, Work
from sealift.errors import CheckError, ProjectError, UsageError
from sealift.network.network import Network
from sealift.types import Json
from sealift.wiring import Wired, find

WANTED = 'Name a file with an object with "inputs", as POST v2/models/NAME/infer takes it.'


def graded(
    address: str, *, grpc: str, model: str, example: Path | None, where: Path, talk: Work
) -> Grade:
    """Learn what a server serves and judge it by every rule, over HTTP, gRPC or both.

    Certificates are those that the project at or above ``where`` trusts, or else this machine.
    Raises ``UsageError`` where an address is none, or two of gRPC are named.
    """
    body = None if example is None else read(example)
    if address.startswith("grpc://"):
        if grpc:
            raise UsageError(
                "Two addresses of gRPC are named.", remedy="Leave --grpc out, or name an http://."
            )
        remote = Remote(address)
        learn_remote(remote, model=model, example=body)
        return by(remote, talk, RPC_RULES)
    trusted = nearby(where).trusted if address.startswith("https://") else None
    with Server(address, trusted=trusted) as server:
        beside = Remote(grpc, rest=server) if grpc else None
        learn(server, model=model, example=body)
        if beside is None:
            return grade(server, talk)
        learn_remote(beside, model=model, example=body)
        found = grade(server, talk)
        return joined(found, by(beside, talk, RPC_RULES, gone=found.gone))


def nearby(where: Path) -> Network:
    """The network of the project at or above a folder; that of the machine if there is none."""
    try:
        root = find(where)
    except ProjectError:
        return Network()
    return Wired(root).network


def read(example: Path) -> dict[str, Json]:
    """The body of an inference in a file. Raises ``UsageError`` for what is none."""
    try:
        body = msgspec.json.decode(example.read_bytes())
    except OSError as error:
        raise UsageError(
            f"The example cannot be read: {error.strerror}.", where=str(example), remedy=WANTED
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The example is not JSON: {error}.", where=str(example), remedy=WANTED
        ) from error
    if not isinstance(body, dict) or not body.get("inputs"):
        raise UsageError(
            "The example is no body of an inference.", where=str(example), remedy=WANTED
        )
    return body


def show(page: Page, found: Grade) -> None:
    """A grade for a person: counts by topic, what is broken, and what is unclear."""
    page.table(("topic", "kept", "broken", "unclear", "n/a"), rows(found))
    for verdict in found.verdicts:
        if verdict.outcome == "broken":
            show_broken(page, verdict)
    unclear = [one for one in found.verdicts if one.outcome == "open"]
    if unclear:
        page.line("where the specification is unclear:", "info")
    for verdict in unclear:
        page.line(f"  {verdict.rule}: {verdict.detail}")
    if found.gone:
        page.line(f"the server is gone since {found.gone}; what comes after it is n/a", "error")
    must, should = len(found.broken("must")), len(found.broken("should"))
    judged = sum(one.outcome in ("kept", "broken") for one in found.verdicts)
    page.line(
        f"{found.server}, model {found.model}: {judged - must - should} of {judged} rules kept; "
        f"broken: {must} that must be kept, {should} that should",
        "good" if found.passed else "error",
    )


def rows(found: Grade) -> list[tuple[str, ...]]:
    """How many rules of each topic came out how."""
    table = []
    for topic in dict.fromkeys(one.topic for one in found.verdicts):
        outcomes = [one.outcome for one in found.verdicts if one.topic == topic]
        counts = [outcomes.count(kind) for kind in ("kept", "broken", "open", "spared")]
        table.append((topic, *(str(count) if count else "-" for count in counts)))
    return table


def show_broken(page: Page, verdict: Verdict) -> None:
    """A broken rule, with the requests that show it."""
    style = "error" if verdict.severity == "must" else "warning"
    page.line(f"{verdict.severity} {verdict.rule}: {verdict.demands}", style)
    page.line(f"  source: {verdict.passage}", "info")
    for one in verdict.shown:
        page.line(f"  {one.message}")
        page.line(f"    {one.request}", "info")
        page.line(f"    {one.answer}", "info")


def passed(found: Grade, *, strict: bool) -> None:
    """Raises ``CheckError`` where rules are broken; ``strict`` counts those that should be kept."""
    broken = found.broken("must") + (found.broken("should") if strict else [])
    if broken:
        raise CheckError(
            f"{len(broken)} rules of the protocol are broken: "
            f"{', '.join(one.rule for one in broken)}.",
            where=found.address,
            remedy="Each is shown above with the request that shows it.",
        )


__all__ = ["graded", "passed", "show"]
