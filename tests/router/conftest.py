"""Benches for routers: Traefik with small servers behind it, and the router in memory."""

import http.client
from urllib.parse import urlsplit

import pytest

from sealift import clock
from sealift.adapters.routers.traefik import Traefik
from sealift.testing import backend
from sealift.testing.router import MemoryRouter


class TraefikBench:
    """A Traefik of its own in a temporary folder."""

    def __init__(self, folder):
        self.folder = folder
        self.router = self.again()
        self.servers = {}

    def again(self, **settings):
        """A second object for the same router."""
        return Traefik(self.folder / "live", service="svc", **settings)

    def backend(self, version):
        """The URL of a server of this version, started when first asked for."""
        if version not in self.servers:
            log = self.folder / f"backend-{version}.log"
            self.servers[version] = backend.start(version, log)
        return self.servers[version].url

    def send(self, count):
        """Send requests one after another over one connection."""
        address = urlsplit(self.router.address)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        statuses = []
        for _ in range(count):
            connection.request("POST", "/predict", b"{}")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    def settled(self, count, cursor=None, router=None):
        """The events, once there are enough of them."""
        seen = []
        deadline = clock.monotonic() + 5.0
        while len(seen) < count and clock.monotonic() < deadline:
            more, cursor = (router or self.router).events(cursor)
            seen += more
            clock.sleep(0.01)
        return seen, cursor

    def close(self):
        """End all of it."""
        self.router.stop()
        for server in self.servers.values():
            server.kill()


class MemoryBench:
    """The router in memory, which is its own world."""

    def __init__(self):
        self.router = MemoryRouter()

    def again(self):
        """The same: there is no second process."""
        return self.router

    def backend(self, version):
        """An address that nobody listens at."""
        return f"http://127.0.0.1:{version}"

    def send(self, count):
        """Send requests at seconds 0, 1, 2 and so on."""
        return [self.router.send(float(number)).status for number in range(count)]

    def settled(self, count, cursor=None):
        """The events, which are there at once."""
        return self.router.events(cursor)


@pytest.fixture
def traefik(tmp_path):
    """Traefik and what is behind it."""
    bench = TraefikBench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def memory():
    """The router in memory."""
    return MemoryBench()
