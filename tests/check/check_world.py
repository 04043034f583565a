"""Images with a stub server in a real store, and an engine that starts them on the host."""

import io
import sys
from pathlib import Path

import msgspec
from host_engine import CONFINED, HostEngine

from sealift import archive, digest
from sealift.adapters.stores.layout import Layout
from sealift.check.subject import read
from sealift.check.suite import CHECKS, Bench, check
from sealift.check.target import Target
from sealift.record.contract import Contract, Field, Golden, Output
from sealift.record.image import CONFIG, LAYER, MANIFEST, Manifest

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


def put_image(store, folder, entrypoint):
    """An image of one layer that holds ``folder``; the digest of its manifest."""
    layer = store.put(io.BytesIO(b"".join(archive.pack(archive.entries(folder)))), LAYER)
    config = store.put(
        digest.canonical(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": entrypoint, "Env": ["LANG=C.UTF-8"]},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
            }
        ),
        CONFIG,
    )
    manifest = Manifest(config=config, layers=(layer,))
    return store.put(msgspec.json.encode(manifest), MANIFEST).digest


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

    def bench(self, own=None):
        """Where images are checked, by the checks of this folder too."""
        return Bench(
            engine=self.engine,
            store=self.store,
            live=self.folder / "live",
            labels={"sealift.project": str(self.folder)},
            own=own,
        )

    def image(self, *faults):
        """The image of a stub server with these faults."""
        content = self.folder / "content"
        words = [sys.executable, "-I", str(STUB), str(content / "model"), *faults]
        return put_image(self.store, content, words)

    def target(self, *faults, budget=10.0, grace=5.0):
        """A target of that image."""
        return Target(
            read(self.image(*faults), self.store),
            engine=self.engine,
            folder=self.folder / "logs",
            labels={"sealift.project": str(self.folder)},
            budget=budget,
            grace=grace,
        )

    def check(self, *names, faults=(), **limits):
        """The report of a check by these names (all: none given), after the first."""
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
