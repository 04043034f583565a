"""Send flights to the service as live requests, and their delays later as labels.

Standard library only: this stands for the airline's own systems, which know nothing of Sealift
but two addresses.
"""

import csv
import http.client
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from columns import CATEGORIES, FEATURES, TARGET

CLIENTS = 6
LABEL_BATCH = 2_000


@dataclass
class Tally:
    """Every request that was sent, by what came back; 0 stands for no answer at all."""

    statuses: Counter = field(default_factory=Counter)
    versions: Counter = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        return self.sent - self.statuses[200]


def flights(features: Path, month: int) -> Iterator[dict[str, str]]:
    """The rows of one month, in the order of planned departure."""
    with features.open(newline="") as file:
        for row in csv.DictReader(file):
            if int(row["month"]) == month:
                yield row


def body(identifier: str, row: dict[str, str]) -> bytes:
    """A prediction request for one flight."""
    inputs = {name: row[name] if name in CATEGORIES else float(row[name]) for name in FEATURES}
    return json.dumps({"id": identifier, "rows": [inputs]}).encode()


class Client(threading.Thread):
    """One caller with one connection, which it keeps."""

    def __init__(self, address: str, work: "queue.Queue[bytes | None]", tally: Tally) -> None:
        super().__init__(daemon=True)
        self.address, self.work, self.tally = urlsplit(address), work, tally
        self.counted: Counter = Counter()

    def run(self) -> None:
        connection = http.client.HTTPConnection(
            self.address.hostname, self.address.port, timeout=30
        )
        while (request := self.work.get()) is not None:
            status, version = self.send(connection, request)
            self.counted[status, version] += 1
        connection.close()

    @staticmethod
    def send(connection: http.client.HTTPConnection, request: bytes) -> tuple[int, str]:
        try:
            connection.request(
                "POST", "/predict", body=request, headers={"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, "none"
        return answer.status, answer.headers.get("X-Sealift-Version", "none")


class Labels:
    """Hands in what became of the flights, a while after they were predicted."""

    def __init__(self, api: str, token: str) -> None:
        self.address, self.token, self.kept = urlsplit(api), token, []
        self.sent = 0

    def add(self, identifier: str, row: dict[str, str]) -> None:
        self.kept.append({"id": identifier, "value": float(row[TARGET])})

    def hand_in(self, *, keep: int = 0) -> None:
        """Send all but the newest ``keep``."""
        ready, self.kept = self.kept[: len(self.kept) - keep], self.kept[len(self.kept) - keep :]
        for start in range(0, len(ready), LABEL_BATCH):
            self.post(ready[start : start + LABEL_BATCH])

    def post(self, batch: list[dict]) -> None:
        connection = http.client.HTTPConnection(
            self.address.hostname, self.address.port, timeout=60
        )
        connection.request(
            "POST",
            "/v1/labels",
            body=json.dumps({"labels": batch}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the API refused labels: {answer.status} {text}")
        self.sent += len(batch)


def replay(
    rows, *, address: str, labels: Labels, prefix: str, until=None, rate=float("inf"), chunk=500
) -> Tally:
    """Send rows in chunks; after each, the labels of all but the last chunk are handed in.

    ``until`` is asked after each chunk and ends the replay when it says so; ``rate`` is the
    largest number of requests a second.
    """
    tally, started = Tally(), time.monotonic()
    work: queue.Queue[bytes | None] = queue.Queue(maxsize=chunk)
    clients = [Client(address, work, tally) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for number, row in enumerate(rows):
        identifier = f"{prefix}-{number}"
        work.put(body(identifier, row))
        labels.add(identifier, row)
        if number % chunk == chunk - 1:
            time.sleep(max(0.0, (number + 1) / rate - (time.monotonic() - started)))
            labels.hand_in(keep=chunk)
            if until is not None and until():
                break
    for _ in clients:
        work.put(None)
    for client in clients:
        client.join()
        for (status, version), count in client.counted.items():
            tally.statuses[status] += count
            tally.versions[version] += count
    labels.hand_in()
    tally.seconds = time.monotonic() - started
    return tally
