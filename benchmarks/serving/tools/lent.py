"""Damaged requests of clients whom compiled code serves, each answered as by the ordinary road.

Each case goes to two clients in the same pieces: one who is lent to a turnstile, after several
good requests, and one who takes the ordinary road. Prints how many cases there were, how many of
them began with an answer of 200, the resident memory on the way, and what failed; a crash ends
this process.
"""

import asyncio
import ctypes
import gc
import json
import os
import random
import re
import sys
import tempfile
from pathlib import Path

import toy_models as models
from toy_running import build
from toy_street import KINDS, played
from toy_worker import ROWS, Worker, infer, posted, same

from benchmarks.serving.fuzz.mutate import DAMAGES
from benchmarks.serving.fuzz.wire import resident

BEFORE = 4
"""Good requests, after which a client is lent."""

TOGETHER = 16
FAULTS = 20
PATIENCE = 20.0
SAMPLES = 60
NO_REQUEST = re.compile(rb'content-length: \d+\r\n\r\n\{"error":"This is no request: [^"]*"')
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSES = b"connection: close\r\n"
PLAIN = posted(infer(ROWS[1], given="plain"))
FIELDS = [
    *(b"x-request-id:a", b"x-request-id: b", b"X-Request-Id:\tc", b"x-request-id: d e"),
    *(b"content-length: 5", b"content-length:0", b"content-length : 9", b"Content-Length: +9"),
    *(b"transfer-encoding: chunked", b"connection: close", b"proxy-connection: close"),
    *(b"expect: 100-continue", b"x-sealift-generation: 7", b"x-sealift-timeout: 0"),
    *(
        b"accept-encoding: gzip",
        b"content-type: text/csv",
        b" folded: a",
        b"x: a\rb",
        b"x: a\nb: c",
    ),
    *(b"x: \0", b"x: \xff", b"host: y", b"upgrade: h2c", b"te: gzip", b": empty", b"none"),
    *(b"x: a\rb", b"x: a\nb: c"),
    b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
    b"traceparent: 00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01",
]


def framed(head, body):
    """A request whose head tells the length of its body."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    lines.insert(2, b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def damaged(dice):
    """A request with faults in its body, its fields, or anywhere."""
    request = dice.choice(KINDS)
    head, _, body = request.partition(b"\r\n\r\n")
    kind = dice.random()
    if kind < 0.4:
        for _ in range(dice.choice((0, 1, 1, 2))):
            body = dice.choice(DAMAGES)(body, dice)
        return framed(head, body)
    if kind < 0.7:
        lines = head.split(b"\r\n")
        for _ in range(dice.choice((1, 1, 2))):
            lines.insert(dice.randint(1, len(lines)), dice.choice(FIELDS))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body
    for _ in range(dice.choice((1, 1, 2, 3))):
        request = dice.choice(DAMAGES)(request, dice)
    return request


def pieces(dice):
    """A damaged request, perhaps with good ones around it, as it is sent: bytes and waits."""
    content = damaged(dice)
    if dice.random() < 0.25:
        content = dice.choice((PLAIN + content, content + PLAIN, content + content))
    cuts = sorted(dice.randrange(len(content) + 1) for _ in range(dice.choice((0, 0, 1, 1, 3))))
    ends = zip([0, *cuts], [*cuts, len(content)], strict=True)
    return [(content[begin:end], dice.choice((0, 0, 0, 0.001))) for begin, end in ends]


async def answered(street, parts, late, *, ordinary):
    """All that the server says to a client that sends these after good requests, and no more."""
    client = await street.enter(lent=False, ordinary=ordinary)
    street.entered.remove(client)
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(0 if ordinary else BEFORE):
                await client.ask(PLAIN)
            for content, wait in parts:
                client.out.write(content)
                await asyncio.sleep(wait)
            if late:
                await asyncio.sleep(0.002)
            client.out.write_eof()
            return same(await client.come.read())
    except TimeoutError:
        return b"none"
    except OSError:
        return b"reset"
    finally:
        client.out.close()


def told_alike(answers):
    """Answers without what depends on how the bytes came.

    Of several reasons why it is no request the first to come is told, and a client whose body is
    there already is not told to go on.
    """
    return NO_REQUEST.sub(b"", answers.replace(CONTINUE, b""))


def differ(one, other, *, waits=False):
    """Whether two clients were told different things.

    Who sends more than the request after which the server closes may lose the answer to it. Where a
    client ``waits`` to be told to send its body, a refusal closes if that has not come by then.
    """
    if b"reset" in (one, other):
        return not {one, other} <= {b"reset"} and b"\r\n" + CLOSES not in one + other
    one, other = told_alike(one), told_alike(other)
    if waits and CLOSES in one + other:
        shorter, longer = sorted((one.replace(CLOSES, b""), other.replace(CLOSES, b"")), key=len)
        return not longer.startswith(shorter)
    return one != other


async def judged(street, parts, late):
    """Whether a case is answered with 200 at first, and what failed, if anything did."""
    both = [answered(street, parts, late, ordinary=ordinary) for ordinary in (True, False)]
    one, other = await asyncio.gather(*both)
    waits = b"100-continue" in b"".join(content for content, _ in parts)
    failed = differ(one, other, waits=waits) or one == b"none" or b"HTTP/1.1 5" in one
    return one[9:12] == b"200", f"{one!r} and {other!r} to {parts!r}" if failed else ""


def held(worker):
    """The resident memory once all that is free was given back, in bytes."""
    worker.model.calls.clear()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident(lambda: [os.getpid()])


def tried(count, start, folder):
    """Runs so many cases, the same ones from the same number; what came of it."""
    dice = random.Random(start)  # noqa: S311  so that a run can be repeated
    told = {"count": count, "good": 0, "held": [], "faults": []}

    async def scene(street):
        for number in range(0, count, TOGETHER):
            if number % max(1, count // SAMPLES) < TOGETHER:
                told["held"].append(held(street.worker))
            cases = [(pieces(dice), dice.random() < 0.5) for _ in range(TOGETHER)]
            for good, failed in await asyncio.gather(*(judged(street, *one) for one in cases)):
                told["good"] += good
                told["faults"] += [failed] * bool(failed)
            if len(told["faults"]) >= FAULTS:
                break

    played(Worker(folder), scene, within=None)
    return told


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        model = build(Path(place), models.tensor_model, models.tensor_table, target="y")
        sys.stdout.write(json.dumps(tried(int(sys.argv[1]), int(sys.argv[2]), model)))
