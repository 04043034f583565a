"""Grade the servers: ``python -m benchmarks.conformance``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks import machine
from benchmarks.conformance.graded import Graded, anonymous, save
from benchmarks.conformance.model import NAME
from benchmarks.conformance.servers import PROJECTS, SERVERS, Address, version
from benchmarks.program import FailedError
from sealift.check.protocol.grade import RULES, Grade, by, grade, joined
from sealift.check.protocol.learn import learn
from sealift.check.protocol.rpc.catalogue import RULES as RPC_RULES
from sealift.check.protocol.rpc.learn import learn as learn_remote
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Rule, Subject
from sealift.check.protocol.server import Server


class Quiet:
    """Progress that says nothing."""

    def step(self, name: str, status: str) -> None:
        """A piece of work reached a status."""

    def say(self, text: str) -> None:
        """A line of talk."""


def main() -> int:
    """Grade, and keep the results; the exit status is 1 where a server could not be started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=SERVERS, default=list(SERVERS))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all that runs is ended
    failed = 0
    for name in asked.only:
        try:
            found = graded(name)
        except FailedError as error:
            failed = 1
            say(f"{name}: {error}")
            continue
        where = machine.where()
        project = "Sealift" if name == "ours" else f"{PROJECTS[name]} {version(name)}"
        save(name, Graded(project=project, commit=where.commit, date=where.date, grade=found))
        must, should = len(found.broken("must")), len(found.broken("should"))
        say(f"{project}: {must} that must be kept are broken, {should} that should")
    return failed


def graded(name: str) -> Grade:
    """The grade of a server: by the rules of HTTP/REST, then by those of gRPC."""

    def by_rest(address: Address, rules: Sequence[Rule[Server]]) -> Grade:
        with Server(address.rest) as server:
            learn(server, model=NAME)
            return grade(server, Quiet(), rules)

    def by_grpc(address: Address, rules: Sequence[Rule[Remote]]) -> Grade:
        with Server(address.rest) as server:
            learn(server, model=NAME)
            remote = Remote(address.grpc, rest=server)
            learn_remote(remote, model=NAME)
            return by(remote, Quiet(), rules)

    return joined(patient(name, RULES, by_rest), patient(name, RPC_RULES, by_grpc))


def patient(
    name: str,
    rules: Sequence[Rule[Subject]],
    judge: Callable[[Address, Sequence[Rule[Subject]]], Grade],
) -> Grade:
    """The grade by these rules; the server is started again after each rule that ended it."""
    parts: list[Grade] = []
    while rules:
        with (
            tempfile.TemporaryDirectory(prefix="sealift-conformance-") as scratch,
            SERVERS[name](Path(scratch)) as address,
        ):
            found = anonymous(judge(address, rules), scratch, address)
        names = [one.name for one in rules]
        count = names.index(found.gone) + 1 if found.gone else len(rules)
        parts.append(replace(found, verdicts=found.verdicts[:count]))
        rules = rules[count:]
    return replace(
        parts[0],
        requests=sum(one.requests for one in parts),
        finished=parts[-1].finished,
        verdicts=tuple(verdict for one in parts for verdict in one.verdicts),
        gone="",
    )


def say(text: str) -> None:
    """A line of talk."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
