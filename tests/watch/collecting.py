"""A collector in a process of its own; it says each time that something was kept."""

import sys
from pathlib import Path

from test_collect import profiles

from sealift.adapters.databases.sqlite import Sqlite
from sealift.testing.router import MemoryRouter
from sealift.watch.collect import Collector


class Telling(Sqlite):
    """Tells when an addition begins, so that it can be killed in the middle of it."""

    def add(self, **what):
        """Say so, then add."""
        sys.stdout.write("adding\n")
        sys.stdout.flush()
        return super().add(**what)


if __name__ == "__main__":
    database, records = map(Path, sys.argv[1:])
    Collector(MemoryRouter(), Telling(database), records, profiles).tick()
