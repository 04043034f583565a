"""The load that the benchmarks of the server put on, against a server whose faults are known."""

import contextlib
import socket
import threading
import time

import numpy as np

from benchmarks.serving import rpc
from benchmarks.serving.arrivals import Generator, percentile
from benchmarks.serving.running import marked

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno"


@contextlib.contextmanager
def server(answer, stall_at=-1, stall=0.0):
    """Answers every message on one connection; stalls once, before the answer of a number."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work():
            connection, _ = listening.accept()
            with connection:
                number = 0
                while connection.recv(1 << 16):
                    if number == stall_at:
                        time.sleep(stall)
                    connection.sendall(answer)
                    number += 1

        thread = threading.Thread(target=work)
        thread.start()
        yield listening.getsockname()[1]
    thread.join()


def load(port, rate, seconds):
    """What a generator with one connection saw."""
    generator = Generator(port, b"x", 1)
    seen = generator.run(rate, seconds)
    generator.close()
    return seen


def test_a_stall_shows_in_all_that_were_due_meanwhile():
    """One stall of 0.4 s at 100 a second: a closed loop would see one slow answer, this many."""
    with server(ANSWER, stall_at=20, stall=0.4) as port:
        seen = load(port, 100, 1.0)

    assert (seen.due, seen.bad, len(seen.latencies)) == (100, 0, 100)
    assert sum(one > 0.1 for one in seen.latencies) >= 25


def test_answers_that_refuse_are_bad():
    """They count as no latency."""
    with server(REFUSAL) as port:
        seen = load(port, 100, 0.2)

    assert (seen.bad, seen.latencies) == (20, [])


def test_percentiles_are_values_that_were_seen():
    """The nearest rank, never between two."""
    values = [float(value) for value in range(1, 1001)]

    assert [percentile(values, share) for share in (0.5, 0.99, 0.999)] == [500.0, 990.0, 999.0]


def test_the_message_is_the_protocols():
    """A ModelInferRequest as protobuf's own encoder writes it (fields 1, 5 and 7)."""
    told = rpc.message(np.asarray([[1.0]], np.float32))

    tensor = b"\x0a\x01X\x12\x04FP32\x1a\x02\x01\x01"
    content = b"\x0a\x06digits\x2a\x0d" + tensor + b"\x3a\x04\x00\x00\x80\x3f"
    assert told == b"\x00\x00\x00\x00" + bytes([len(content)]) + content


def test_nobody_has_a_mark_that_was_not_given():
    """So that only processes of the benchmark are ever ended."""
    assert marked("a mark that nobody was given") == []
