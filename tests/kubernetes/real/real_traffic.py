"""Requests through a real gateway, each accounted for: by version, status and division."""

import http.client
import json
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

LONGEST = 240.0
"""Seconds after which the load ends by itself: then the test that needs it fails."""


class Traffic:
    """Clients that ask one after another, each over a connection of its own, as long as it is open.

    ``seen`` counts answers by version and status, ``lost`` tells of each request without an answer.
    Every ``odd``-th request asks for ``special`` instead of a plain value; 0 for none.
    """

    def __init__(self, address, host, *, clients=2, pause=0.02, odd=0, special=4242.5) -> None:
        self._url = urlsplit(address)
        self._headers = {"Host": host, "Content-Type": "application/json"}
        self._pause = pause
        self._odd = odd
        self._special = special
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ends = time.monotonic() + LONGEST
        self._clients = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.sent = 0
        self.seen: Counter[tuple[int, int]] = Counter()
        self.lost: list[str] = []

    def __enter__(self) -> "Traffic":
        for one in self._clients:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._clients:
            one.join()
        assert time.monotonic() < self._ends, "the load ended before the test did"
        assert self.sent == sum(self.seen.values()) + len(self.lost)

    def of(self, version: int, status: int | None = None) -> int:
        """Answers of a version, with a status or with any."""
        with self._lock:
            return sum(
                number
                for (who, what), number in self.seen.items()
                if who == version and status in (None, what)
            )

    def now(self) -> Counter[tuple[int, int]]:
        """What was seen until now."""
        with self._lock:
            return Counter(self.seen)

    @property
    def bad(self) -> list[object]:
        """All that was not answered with 200."""
        with self._lock:
            return [*self.lost, *((one, n) for one, n in self.seen.items() if one[1] != 200)]

    def _ask(self) -> None:
        link = self._link()
        while not self._over.is_set() and time.monotonic() < self._ends:
            with self._lock:
                self.sent += 1
                special = self._odd and self.sent % self._odd == 0
            x = self._special if special else float(self.sent % 5000)
            body = json.dumps({"rows": [{"x": x}]}).encode()
            try:
                link.request("POST", "/predict", body, self._headers)
                answer = link.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                link.close()
                link = self._link()
                with self._lock:
                    self.lost.append(f"{time.strftime('%T')} {error!r}")
            else:
                version = int(answer.headers.get("X-Sealift-Version", "0"))
                with self._lock:
                    self.seen[version, answer.status] += 1
            self._over.wait(self._pause)
        link.close()

    def _link(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=30.0)
