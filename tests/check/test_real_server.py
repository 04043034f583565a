"""Sealift's own server passes every check, for models of both tasks."""

import sys

import pytest
from check_world import put_image
from real_models import delays, kinds, learn

from sealift.check.lines import rows
from sealift.check.subject import read
from sealift.check.suite import check
from sealift.check.target import Target


@pytest.fixture(scope="module", params=[delays, kinds], ids=["regression", "classification"])
def model(request, tmp_path_factory):
    """The folder of a model that was learnt."""
    return learn(request.param, tmp_path_factory.mktemp("model"))


def report_of(world, model, budget=30.0):
    """The report of an image that serves the model at its place on the host."""
    words = [sys.executable, "-m", "sealift.container", "serve", str(model)]
    image = put_image(world.store, model.parent, words)
    world.engine.shown.append(model)
    target = Target(
        read(image, world.store),
        engine=world.engine,
        folder=world.folder / "logs",
        labels={"sealift.project": "p"},
        budget=budget,
    )
    return check(target, project="p", progress=world.progress)


def test_the_real_server_passes_every_check(world, model):
    """With golden vectors that were learnt from a table."""
    report = report_of(world, model)

    assert [line for line in rows(report) if not line[1]] == []
    assert report.passed


def test_the_real_server_is_never_ready_with_weights_that_were_changed(world, model):
    """It replays its golden vectors itself, so that it fails the very first check."""
    weights = (model / "model.onnx").read_bytes()
    changed = weights.replace(b"\x00\x00\x20\x40", b"\x00\x00\x40\x40", 1)
    changed = changed.replace(b"\x00\x00\x00\x3f", b"\x00\x00\x80\x3f", 1)
    assert changed != weights
    (model / "model.onnx").write_bytes(changed)
    try:
        report = report_of(world, model, budget=4.0)
    finally:
        (model / "model.onnx").write_bytes(weights)

    assert not report.results[0].passed
    assert "does not behave as it did when it was trained" in report.results[0].findings[0].message
