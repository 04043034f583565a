"""Kill -9 and full disks while an image is built and pushed; `make campaign` does it at length."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.package import kills, soundness
from benchmarks.program import FailedError
from sealift.testing.registry import RegistryServer

ATTEMPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_images import builder, model
from sealift.adapters.registries.push import push
build, store, _ = builder(Path(sys.argv[1]))
_, record = model(store, Path(sys.argv[1]) / "model")
push(store, build.serving_image(record).digest, sys.argv[2])
"""


@pytest.fixture
def registry():
    """A registry in this process."""
    with RegistryServer() as running:
        yield running


def attempt(project, registry):
    """Building the project's image and pushing it, in a process of its own."""

    def forget():
        shutil.rmtree(project / ".sealift", ignore_errors=True)
        registry.blobs.clear()
        registry.tags.clear()

    def digest():
        return str(registry.tags["flights", "1"])

    return kills.Attempt(
        words=[
            *(sys.executable, "-c", ATTEMPT),
            *(project, f"{registry.host}/flights:1", Path(__file__).parent),
        ],
        folder=project,
        env=dict(os.environ),
        layout=project / ".sealift" / "layout",
        digest=digest,
        forget=forget,
    )


def test_a_kill_at_any_moment_leaves_a_whole_store_and_the_next_attempt_finishes(world, registry):
    """With the digest that an attempt in peace has."""
    outcome = kills.kills(attempt(world, registry), rounds=5, seed=20260101, told=str)

    assert outcome.rounds == 5
    assert outcome.struck == 5
    assert outcome.unsound == []
    assert outcome.unfinished == []


def test_a_full_disk_leaves_a_whole_store_and_the_next_attempt_finishes(world, registry, tmp_path):
    """Wherever it is that the space runs out."""
    try:
        with kills.small_disk(tmp_path / "disk", 24 << 20) as volume:
            project = volume / "project"
            shutil.copytree(world, project)
            outcome = kills.full_disks(
                attempt(project, registry), volume, free=[0, 60_000], told=str
            )
    except FailedError as error:
        if "mount" not in str(error) or os.environ.get("CI"):
            raise
        pytest.skip("Only root may mount a small disk here.")

    assert outcome.struck >= 1
    assert outcome.unsound == []
    assert outcome.unfinished == []


def test_damage_is_seen(tmp_path):
    """By the judge of stores: other bytes, a blob that is gone, an index that cannot be read."""
    layout = tmp_path / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / ("0" * 64)).write_bytes(b"x")
    assert soundness.faults(layout) == ["blob 000000000000 has other bytes"]
    (blobs / ("0" * 64)).unlink()
    entry = {"digest": f"sha256:{'1' * 64}", "size": 1, "mediaType": "x"}
    (layout / "index.json").write_text(json.dumps({"manifests": [entry]}))
    assert soundness.faults(layout) == ["111111111111, which index.json names, is not there"]
    (layout / "index.json").write_text('{"manifests": [')
    assert "index.json cannot be read" in soundness.faults(layout)[0]
