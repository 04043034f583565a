"""Images with a stub server in a real store, and an engine that starts them on the host."""

import io
import sys
from pathlib import Path

import msgspec
from host_engine import CONFINED, HostEngine

from sealift import archive, digest
from sealift.adapters.stores.layout import Layout
from sealift.check.papers import Papers
from sealift.check.subject import read
from sealift.check.suite import CHECKS, Bench, check
from sealift.check.target import Target
from sealift.record.check_settings import CheckSettings
from sealift.record.contract import Contract, Field, Golden, Output
from sealift.record.image import CONFIG, LAYER, MANIFEST, Manifest
from sealift.record.lock import Lock, Locks

STUB = Path(__file__).parent / "stub_server.py"
CONTRACT = Contract(
    task="regression",
    target="delay",
    fields=(
        Field(
            name="carrier",
            type="string",
            categories=("UA", "DL"),
            closed=True,
            tensor="carrier",
            dtype="BYTES",
        ),
        Field(name="note", type="string", max_length=20, tensor="note", dtype="BYTES"),
        Field(name="hour", type="int", minimum=0, maximum=23, tensor="hour", dtype="INT64"),
        Field(
            name="wind",
            type="float",
            nullable=True,
            tensor="numbers",
            dtype="FP32",
            column=1,
        ),
        Field(name="distance", type="float", minimum=0, tensor="numbers", dtype="FP32", column=0),
        Field(name="weekend", type="bool", tensor="weekend", dtype="BOOL"),
    ),
    outputs=(
        Output(name="delay", dtype="FP32", shape=(-1, 1)),
        Output(name="chance", dtype="FP32", shape=(-1, 2)),
    ),
    prediction="delay",
    max_rows=64,
)


LOCK = Lock(
    inputs="sha256:" + "0" * 64,
    platform="linux/amd64",
    suite="trixie",
    python="3.13",
    base=(),
    shell=(),
    runtime=(),
    packages=(),
)


def golden_rows():
    """Rows that fit the contract; one of them with a null."""
    return tuple(
        {
            "carrier": ("UA", "DL")[number % 2],
            "note": "x" * number,
            "hour": 23 - number,
            "wind": None if number == 3 else 1.5 * number,
            "distance": 100.0 * number,
            "weekend": number % 2 == 0,
        }
        for number in range(6)
    )


def golden():
    """The rows and the answers of the stub's formula."""
    rows = golden_rows()
    delays = [
        0.5 * row["hour"]
        + 0.01 * row["distance"]
        + len(row["carrier"] + row["note"])
        + (row["wind"] or 0.0)
        + row["weekend"]
        for row in rows
    ]
    outputs = {"delay": delays, "chance": [[0.25, 0.75] for _ in rows]}
    return Golden(rows=rows, outputs=outputs, tolerance=1e-5)


def write_model(folder, contract=CONTRACT, vectors=None):
    """The model's files below ``folder``."""
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "contract.json").write_bytes(msgspec.json.encode(contract))
    (model / "golden.json").write_bytes(msgspec.json.encode(vectors or golden()))
    (model / "model.json").write_bytes(b'{"name": "flights", "version": 3, "run": "r"}')


def put_image(store, folder, entrypoint, *below, platform="amd64"):
    """An image whose layer holds ``folder``, on others; the digest of its manifest."""
    layers = [
        store.put(io.BytesIO(b"".join(archive.pack(archive.entries(one)))), LAYER)
        for one in (*below, folder)
    ]
    config = store.put(
        digest.canonical(
            {
                "architecture": platform,
                "os": "linux",
                "config": {"Entrypoint": entrypoint, "Env": ["LANG=C.UTF-8"]},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            }
        ),
        CONFIG,
    )
    manifest = Manifest(config=config, layers=tuple(layers))
    return store.put(msgspec.json.encode(manifest), MANIFEST).digest


def provenance(image, store):
    """What is said of how an image came about, with all that must be said."""
    named = ("code", "step image", "model", "sealift.lock", "data/flights")
    materials = [{"name": name, "digest": {"sha256": "ab" * 32}} for name in named]
    materials += [
        {"name": "layer/server", "digest": {"sha256": layer.digest.removeprefix("sha256:")}}
        for layer in store.manifest(image).layers
    ]
    return {
        "buildDefinition": {"resolvedDependencies": materials},
        "runDetails": {"metadata": {"invocationId": "r"}},
    }


def papers_of(image, store, folder, **changes):
    """What is known of an image: an empty lock, a bill without packages, a whole provenance."""
    known = {
        "settings": CheckSettings(),
        "folder": folder,
        "store": store,
        "bill": lambda: {"components": []},
        "provenance": lambda: provenance(image, store),
        "signed": lambda: None,
        "lock": lambda: LOCK,
        "locks": Locks(platforms=(LOCK,)),
    }
    return Papers(**(known | changes))


class Silent:
    """Progress that is remembered."""

    def __init__(self):
        self.steps = []

    def step(self, name, status):
        """A step."""
        self.steps.append((name, status))

    def say(self, text):
        """Nothing."""


class World:
    """A store, images in it, and the checks carried out on them."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Layout(folder / "layout", folder / "unpacked")
        self.engine = HostEngine(self.store)
        write_model(folder / "content")
        self.progress = Silent()

    def bench(self, own=None, platform=""):
        """Where images are checked, by the checks of this folder too."""
        return Bench(
            engine=self.engine,
            store=self.store,
            live=self.folder / "live",
            labels={"sealift.project": str(self.folder)},
            own=own,
            platform=platform,
        )

    def image(self, *faults):
        """The image of a stub server with these faults."""
        content = self.folder / "content"
        words = [sys.executable, "-I", str(STUB), str(content / "model"), *faults]
        return put_image(self.store, content, words)

    def target(self, *faults, budget=10.0, grace=5.0, **changes):
        """A target of that image, of which is known what ``papers_of`` says."""
        image = self.image(*faults)
        return Target(
            read(image, self.store),
            engine=self.engine,
            folder=self.folder / "logs",
            labels={"sealift.project": str(self.folder)},
            budget=budget,
            grace=grace,
            papers=papers_of(image, self.store, self.folder, **changes),
        )

    def check(self, *names, faults=(), **limits):
        """The report of a check by these names (all: none given), after the first.

        ``limits`` are those of ``target``, and what is known of the image.
        """
        wanted = [one for one in CHECKS if not names or one.name in ("starts", *names)]
        report = check(
            self.target(*faults, **limits),
            project="flights",
            progress=self.progress,
            checks=wanted,
        )
        assert self.engine.living() == 0
        return report

    def confine(self, *, rights=CONFINED, writable=False):
        """Let looks inside run with these rights."""
        self.engine = HostEngine(self.store, rights=rights, writable=writable)
