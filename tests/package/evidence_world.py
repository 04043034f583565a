"""An image made of small layers, with everything that its documents are made from."""

import msgspec

from sealift import digest
from sealift.archive import Entry
from sealift.package import image as images
from sealift.package import layer as layers
from sealift.package.artifact import model_layers, write_model
from sealift.package.layer import Part, sorted_entries
from sealift.package.making import Making
from sealift.record.contract import Contract, Field, Output
from sealift.record.dataset import Entry as DataEntry
from sealift.record.dataset import Snapshot
from sealift.record.image import Image
from sealift.record.lock import Deb, Lock, Variant
from sealift.record.model import Model
from sealift.record.run import Code, Machine, Run

DIST = "usr/local/lib/python3.13/dist-packages"
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: LGPL-2.1+

Files: debian/*
License: Expat
 Permission is granted.

License: LGPL-2.1+
 The text.
"""
BASE = {
    "usr/lib/os-release": 'ID=debian\nVERSION_ID="13"\n',
    "var/lib/dpkg/status.d/libc6": "Package: libc6\nSource: glibc\nVersion: 2.41-12+deb13u4\n"
    "Architecture: amd64\nDepends: libgcc-s1\n",
    "var/lib/dpkg/status.d/libc6.md5sums": "00  usr/lib/libc.so.6\n",
    "var/lib/dpkg/status.d/libc-bin": "Package: libc-bin\nSource: glibc (2.41)\nVersion: 1:2.0\n"
    "Architecture: amd64\nDepends: libc6 (>= 2.41), gone | libgcc-s1\n",
    "var/lib/dpkg/status.d/libgcc-s1": "Package: libgcc-s1\nVersion: 14.2.0-19\n"
    "Architecture: amd64\n",
    "usr/share/doc/libc6/copyright": COPYRIGHT,
    "usr/share/doc/libgcc-s1/copyright": "License: whatever, in prose\n",
}
BILL = """{"bomFormat": "CycloneDX", "specVersion": "1.4", "components": [
  {"type": "library", "name": "forest", "purl": "pkg:pypi/forest@1.0?file_name=forest.whl"},
  {"type": "library", "name": "libgomp", "version": "8.5", "purl": "pkg:rpm/almalinux/libgomp@8.5",
   "licenses": [{"license": {"id": "GPL-3.0-or-later"}}, {"license": {"name": "Own"}}]},
  {"type": "nonsense", "name": "crate", "version": "0.1", "purl": "not a purl",
   "licenses": [{"expression": "MIT OR Apache-2.0"}, {"license": {"name": "dropped"}}],
   "hashes": [{"alg": "SHA-256", "content": "%s"}, {"alg": "MD9", "content": "x"}],
   "components": [{"name": "inner", "licenses": "none", "hashes": [3]}, 7]},
  {"type": "library"}]}""" % ("a" * 64)  # fmt: skip
RUNTIME = {
    f"{DIST}/forest-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: Forest\nVersion: 1.0\n"
    "License-Expression: MIT AND BSD-3-Clause\nRequires-Dist: click>=1\n"
    "Requires-Dist: libc6; extra == 'odd'\n\nText.\n",
    f"{DIST}/forest-1.0.dist-info/RECORD": "forest.libs/libomp-1.so,sha256="
    "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\nforest/__init__.py,sha256=xx,0\n",
    f"{DIST}/forest-1.0.dist-info/sboms/own.cdx.json": BILL,
    f"{DIST}/forest-1.0.dist-info/sboms/odd.cdx.json": "{",
    f"{DIST}/click-8.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: click\nVersion: 8.0\n"
    "Classifier: License :: OSI Approved :: BSD License\n",
    f"{DIST}/click/__init__.py": "VERSION = 8\n",
}
FIELD = Field(name="age", type="int", nullable=True, minimum=0, tensor="x", dtype="INT64")
CONTRACT = Contract(
    task="regression",
    target="delay",
    fields=(FIELD,),
    outputs=(Output(name="y", dtype="FP32", shape=(-1, 1)),),
    prediction="y",
)


def deb(name, version):
    """A locked package."""
    return Deb(
        name=name,
        version=version,
        arch="amd64",
        archive="main",
        path=f"pool/{name}.deb",
        sha256=digest.of_bytes(name.encode())[7:],
        size=1,
    )


LOCK = Lock(
    inputs=digest.of_bytes(b"inputs"),
    platform="linux/amd64",
    suite="trixie",
    python="3.13",
    base=(deb("libc-bin", "1:2.0"), deb("libc6", "2.41-12+deb13u4"), deb("libgcc-s1", "0.0")),
    shell=(deb("dash", "1.0"),),
    runtime=(
        f"click==8.0 --hash=sha256:{'b' * 64} --hash=sha256:{'c' * 64}",
        f"Forest[all]==1.0 ; python_version > '3' --hash=sha256:{'d' * 64}",
    ),
    packages=(f"pandas==3.0 --hash=sha256:{'e' * 64}",),
)


def run(**changed):
    """A run that read data and code under git."""
    made = Run(
        id="20260101-000000-abcdef",
        project="flights",
        status="done",
        started=1_760_000_000.0,
        finished=1_760_000_060.5,
        user="u",
        comment="",
        code=Code(digest=digest.of_bytes(b"code"), commit="f" * 40, diff="-a\n+b\n"),
        machine=Machine(host="h", user="u", system="s", cpu="c", cores=1, memory=1, engine="e"),
        image=digest.of_bytes(b"step image"),
        lock=LOCK.digest,
        snapshots={
            "flights": Snapshot(
                name="flights",
                uri="data/f.csv",
                digest=digest.of_bytes(b"data"),
                entries=(DataEntry(path="data/f.csv", size=7, digest=digest.of_bytes(b"f")),),
            )
        },
        params={"train": {"depth": 6}},
        seeds={"PYTHONHASHSEED": "0"},
    )
    return msgspec.structs.replace(made, **changed)


def model(store, folder, version=1):
    """A model in the store, and its record."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "model.json", "contract.json", "profile.json", "golden.json"):
        (folder / name).write_text(f"{name} {version}")
    kept = write_model(store, folder, name="flights", version=version)
    return Model(
        name="flights",
        version=version,
        digest=kept.digest,
        content=kept.digest,
        run="20260101-000000-abcdef",
        created=0.0,
        task="regression",
        metrics={"rmse": 31.5, "mae": 0.1 + 0.2},
        contract=CONTRACT,
    )


def layer(store, role, files):
    """A layer of these texts."""
    entries = [Entry(name=name, kind="file", content=text.encode()) for name, text in files.items()]
    return layers.write(store, role, Part("", sorted_entries(entries)))


def making(store, folder, version=1, base=BASE, runtime=RUNTIME):
    """An image of a model in the store, and how it came about."""
    record = model(store, folder / f"model{version}", version)
    parts = (
        layer(store, "base", base),
        layer(store, "runtime", runtime),
        layer(store, "server", {"opt/sealift/sealift/__init__.py": "x"}),
        *model_layers(store, record.digest),
    )
    config = images.serving_config(
        Variant(platform="linux/amd64"), parts, {"version": str(version)}
    )
    manifest = images.write(store, config, parts)
    made = Image(
        digest=manifest.digest,
        platform="linux/amd64",
        layers=parts,
        lock=LOCK.digest,
        model=version,
        created=0.0,
    )
    return Making(image=made, model=record, run=run(), lock=LOCK, project_file=LOCK.inputs)
