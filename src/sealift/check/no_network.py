"""Without a network the server becomes ready and answers, and it never tries to reach out.

Sources: proc_pid_net(5); RFC 4293 (``ipSystemStatsOutNoRoutes``), RFC 4113 (``udpNoPorts``), which
the kernel counts for each network namespace; RFC 5737 and RFC 3849, addresses for examples.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info, warning
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.record.reading import decode
from sealift.record.report import Finding

BRIEFLY = 3.0
"""Seconds to watch a server that was not ready with its network either: it may still reach out."""

_QUIET = ("DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY")

SOURCE = """
import errno, http.client, json, os, signal, socket, subprocess, sys, time
given = json.loads(GIVEN)

def counted():
    found = {}
    for place in ("/proc/net/snmp", "/proc/net/snmp6"):
        try:
            lines = open(place).read().splitlines()
        except OSError:
            continue
        if place.endswith("6"):
            found.update((line.split()[0], int(line.split()[1])) for line in lines)
        else:
            for names, values in zip(lines[::2], lines[1::2]):
                kind = names.split(":")[0]
                found.update(
                    (kind + name, int(value))
                    for name, value in zip(names.split()[1:], values.split()[1:])
                )
    keys = ("IpOutNoRoutes", "Ip6OutNoRoutes", "UdpOutDatagrams", "Udp6OutDatagrams")
    return {key: found.get(key, 0) for key in keys}

def outward():
    found = set()
    local = ("0100007F", "00000000", "0" * 32, "0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F")
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        try:
            lines = open("/proc/net/" + kind).read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            address = line.split()[2].rpartition(":")[0]
            if address not in local:
                found.add(kind + " " + address)
    return found

def knock():
    reached = []
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as one:
                one.settimeout(2)
                one.connect((address, 443))
            reached.append(address)
        except TimeoutError:
            reached.append(address)
        except OSError:
            pass
    return reached

before = counted()
reached = knock()
proven = counted()["IpOutNoRoutes"] > before["IpOutNoRoutes"]
start = counted()
with open("/tmp/server.log", "wb") as log:
    server = subprocess.Popen(given["argv"], stdout=log, stderr=log)
seen, ready, answered, until = set(), False, 0, time.monotonic() + given["budget"]

def ask(method, path, body=""):
    connection = http.client.HTTPConnection("127.0.0.1", given["port"], timeout=10)
    try:
        connection.request(method, path, body.encode(), {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()

while time.monotonic() < until and server.poll() is None and not ready:
    seen |= outward()
    ready = ask("GET", given["ready"]) == 200
    time.sleep(0.02)
for body in given["bodies"] if ready else ():
    answered = ask("POST", "/predict", body)
    seen |= outward()
ended = server.poll()
if ended is None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
end = counted()
words = open("/tmp/server.log", errors="replace").read().strip().splitlines()
print(json.dumps({
    "proven": proven, "reached": reached, "ready": ready, "answered": answered,
    "tried": {key: end[key] - start[key] for key in end}, "seen": sorted(seen),
    "words": words[-1][:300] if words else "",
    "silent": [name for name in given["quiet"] if os.environ.get(name) == "1"],
}))
"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the server in a container without a network.

    ``proven`` says whether the kernel counted a connection that was tried on purpose, ``reached``
    the addresses outside that the container could speak to. ``tried`` counts packets without a way
    and datagrams while the server ran, ``seen`` are sockets to addresses that are not its own.
    ``words`` is the last line of its log, ``silent`` the variables that forbid reports home.
    """

    proven: bool
    reached: list[str]
    ready: bool
    answered: int
    tried: dict[str, int]
    seen: list[str]
    words: str
    silent: list[str]


def findings(target: Target) -> Iterator[Finding]:
    """Start it once more, in a container of the same form whose network is its own loopback."""
    if not target.engine.guarantees().network_isolated:
        yield warning(
            f"{target.engine.name} cannot keep a container from the network here: whether the "
            "server needs one is open.",
            remedy="`sealift doctor` says what the engine lacks.",
        )
        return
    yield from judged(look(target))


def look(target: Target) -> Seen:
    """Run the server and watch it. Raises ``CheckError`` when that fails."""
    budget = target.budget if target.ready else min(BRIEFLY, target.budget)
    bodies = [rows_body(good_rows(target.subject, count)) for count in (1, 8)]
    given = {
        "argv": target.launch.argv,
        "port": target.port,
        "ready": target.launch.ready,
        "budget": budget,
        "bodies": [msgspec.json.encode(one).decode() for one in bodies],
        "quiet": _QUIET,
    }
    told = msgspec.json.encode(given).decode()
    text = target.probe(SOURCE.replace("GIVEN", repr(told), 1), network="none", timeout=budget + 60)
    try:
        return decode(text.strip().split("\n")[-1].encode(), Seen)
    except ValueError as reason:
        raise CheckError("The look at the server failed.", where=text[-200:]) from reason


def judged(seen: Seen) -> Iterator[Finding]:
    """What was seen, as findings."""
    if seen.reached:
        yield error(
            "The engine was asked for a container without a network, and it reaches out.",
            place=", ".join(seen.reached),
            remedy="Use another engine (see `sealift doctor`).",
        )
    if not seen.ready:
        yield error(
            "Without a network the server does not become ready.",
            place=seen.words,
            remedy="Put all that it needs into the image: it must fetch nothing when it starts.",
        )
    elif seen.answered != 200:
        yield error(
            f"Without a network a good request was answered with {seen.answered}.",
            place=seen.words,
        )
    attempts = {name: count for name, count in seen.tried.items() if count}
    if attempts or seen.seen:
        counts = ", ".join(f"{name} {count}" for name, count in attempts.items())
        yield error(
            "The server tried to reach out.",
            place="; ".join(part for part in (counts, ", ".join(seen.seen)) if part),
            remedy="Switch off what reports home or looks for updates: a packaged model needs "
            "nobody.",
        )
    elif not seen.proven:
        yield warning(
            "The kernel did not count a connection that was tried on purpose: whether the server "
            "tries any is open."
        )
    if not attempts and not seen.seen and seen.ready:
        yield info("ready and answering without a network; no connection, no datagram tried")


CHECK = Check(
    name="no-network",
    shows="It serves without a network, and does not try to reach out.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK"]
