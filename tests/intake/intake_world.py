"""A project that images of others are brought into."""

import csv

from sealift.chapters import journey
from sealift.intake.bring import bring
from sealift.wiring import Wired

HEAD = ("area[0]", "area[1]", "kind", "price")
PORT = 'env = { PORT = "{port}" }\n'


def examples():
    """Rows of the table, with prices that the model does not need."""
    rows = [(1.5 * number, 20 - number, ("flat", "house")[number % 2]) for number in range(11)]
    return [(area, garden, kind, 3 * area + garden + len(kind)) for area, garden, kind in rows]


class Silent:
    """Progress that is remembered."""

    def __init__(self):
        self.said = []

    def step(self, name, status):
        """A step."""
        self.said.append(f"{name}: {status}")

    def say(self, text):
        """A line."""
        self.said.append(text)


class Newcomer:
    """A project folder, a table beside it, and images to bring in."""

    def __init__(self, root, images, foreign):
        self.root, self.images, self.foreign = root, images, foreign
        self.progress = Silent()
        root.mkdir()
        self.settle(PORT)
        self.table = root / "table.csv"
        with self.table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEAD)
            writer.writerows([*examples(), (1, 1, "", 5)])

    def settle(self, text):
        """Write the project file anew."""
        (self.root / "sealift.toml").write_text(f'name = "prices"\n[from_image]\n{text}')
        self.wired = Wired(self.root)

    def image(self, *faults):
        """The place of an image of a server with these faults, and its digest."""
        folder = self.images / ("-".join(faults) or "good")
        digest = self.foreign.layout(folder, *faults)
        return f"oci:{folder}", digest

    def bring(self, *faults, table=True):
        """Bring in the image of a server with these faults."""
        place, _ = self.image(*faults)
        path = self.table if table else None
        return bring(self.wired, place, path, comment="", progress=self.progress)

    def check(self, version=None):
        """The report of a version's checks."""
        return journey.check(self.wired, version, progress=self.progress)

    def end(self):
        """End what runs."""
        for container in self.wired.engine.find({}):
            self.wired.engine.stop(container, grace=0)
