"""A small project whose steps are shell lines, and what it takes to run it."""

import os
import shutil
import subprocess
from pathlib import Path

from sealift import clock
from sealift.adapters.databases.sqlite import Sqlite
from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.stores.layout import Layout
from sealift.data.snapshot import Files
from sealift.folders import Folders, reader
from sealift.record.image import Image
from sealift.record.parse import parse
from sealift.testing.engine import MemoryEngine
from sealift.testing.engine_image import host_image
from sealift.train.execute import execute
from sealift.types import Digest

PROJECT = """\
name = "small"

[data.rows]
uri = "data/rows.csv"

[steps.prepare]
run = "sh prepare.sh"
code = ["prepare.sh"]
reads = ["data.rows"]
writes = { table = "out/table.csv" }

[steps.train]
run = "sh train.sh {depth}"
code = ["train.sh"]
reads = ["prepare.table"]
writes = { model = "out/model" }
params = { depth = 2, seed = 7 }

[steps.evaluate]
run = "cat out/model/weights; printf '{{\\"mae\\": %s}}' {mae} > out/metrics.json"
code = []
reads = ["train.model"]
writes = { metrics = "out/metrics.json" }
params = { mae = 12.5 }
"""

FILES = {
    "data/rows.csv": "id\n1\n2\n",
    "prepare.sh": "cat data/rows.csv > out/table.csv\n",
    "train.sh": 'mkdir out/model; echo "$1 $SEALIFT_SEED" > out/model/weights\n'
    "cat out/table.csv >> out/model/weights\n",
}


def on_host(spec):
    """What a container would do, done on this machine in the step's folder, mounts as copies."""
    folder = next(Path(m.source) for m in spec.mounts if m.target == "/project")
    for mount in spec.mounts:
        inner = mount.target.removeprefix("/project/")
        if mount.target == "/project" or inner == mount.target:
            continue
        if Path(mount.source).is_dir():
            shutil.copytree(mount.source, folder / inner, dirs_exist_ok=True)
        else:
            shutil.copy(mount.source, folder / inner)
    env = {"PATH": os.environ["PATH"], **spec.env, **spec.secrets}
    with Path(spec.log).open("ab") as log:
        return subprocess.run(
            list(spec.argv), cwd=folder, env=env, stdout=log, stderr=log, check=False
        ).returncode


class Talk:
    """Progress that remembers what was said."""

    def __init__(self):
        self.steps, self.said = [], []

    def step(self, name, status):
        """A status."""
        self.steps.append((name, status))

    def say(self, text):
        """A line."""
        self.said.append(text)


class Small:
    """The project in a folder, with a store, a ledger and an engine of its own."""

    def __init__(self, root, engine=None, image=None, *, fresh=True):
        self.root, self.text = root, PROJECT
        self.folders = Folders(root)
        self.store = Layout(self.folders.layout, self.folders.unpacked)
        self.ledger = Sqlite(self.folders.ledger)
        self.engine = engine or MemoryEngine(on_host)
        self.talk, self.images, self.cache = Talk(), {}, None
        self.image = image or Digest("sha256:" + "1" * 64)
        for name, text in FILES.items() if fresh else ():
            self.write(name, text)

    def write(self, name, text):
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, old, new):
        """Replace something in the project file."""
        assert old in self.text
        self.text = self.text.replace(old, new)

    def run(self, comment="why not", **params):
        """One run, as `sealift train` does it."""
        self.talk.__init__()
        self.write("sealift.toml", self.text)
        with self.ledger.exclusive("train"):
            return execute(
                parse(self.text, where="sealift.toml", read=reader(self.root)),
                self.folders,
                engine=self.engine,
                store=self.store,
                ledger=self.ledger,
                lake=Files(self.root),
                image=Image(
                    digest=self.image,
                    platform="linux/amd64",
                    layers=(),
                    lock=Digest("sha256:" + "2" * 64),
                    model=None,
                    created=clock.now(),
                ),
                images=self.images,
                shared=self.cache,
                progress=self.talk,
                params=params,
                comment=comment,
            )

    def output(self, run, reference):
        """The kept tree of an output."""
        step, _, name = reference.rpartition(".")
        return self.store.tree(one(run, step).outputs[name])


def in_bubblewrap(root):
    """The project in ``root`` as it is there, with real containers of this machine's programs."""
    small = Small(root, fresh=False)
    small.image = host_image(small.store)
    small.engine = Bubblewrap(small.store, small.folders.live / "containers")
    return small


def one(run, name):
    """A step of a run."""
    return next(step for step in run.steps if step.name == name)
