"""Sealift's own server passes every check, for models of both tasks."""

import sys

import pytest
from check_world import papers_of, put_image
from real_models import delays, kinds, learn

from sealift.check import starts
from sealift.check.lines import rows
from sealift.check.subject import read
from sealift.check.suite import check
from sealift.check.target import Target


@pytest.fixture(scope="module", params=[delays, kinds], ids=["regression", "classification"])
def model(request, tmp_path_factory):
    """The folder of a model that was learnt."""
    return learn(request.param, tmp_path_factory.mktemp("model"))


OTHER_NUMBERS = """
from onnxruntime import InferenceSession


class Other:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def run(self, *arguments):
        found = self.inner.run(*arguments)
        return [one * 1.001 if one.dtype.kind == "f" else one for one in found]


def create(session, *arguments, **options):
    made(session, *arguments, **options)
    session._sess = Other(session._sess)


made, InferenceSession._create_inference_session = (
    InferenceSession._create_inference_session,
    create,
)
"""
"""What another version of a package may do: it computes, but not the same."""


def report_of(world, model, *before, budget=30.0):
    """The report of an image that serves the model at its place on the host.

    ``before`` is what stands before the command of the server.
    """
    words = [*before, sys.executable, "-m", "sealift.container", "serve", str(model)]
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
        report = report_of(world, model, budget=8.0)
    finally:
        (model / "model.onnx").write_bytes(weights)

    assert not report.results[0].passed
    assert "golden_mismatch" in report.results[0].findings[0].place
    assert "does not behave as it did when it was trained" in report.results[0].findings[0].message


def test_the_real_server_is_never_ready_where_a_package_computes_something_else(
    world, model, tmp_path
):
    """Though it starts, and every answer would be in the right form."""
    (tmp_path / "sitecustomize.py").write_text(OTHER_NUMBERS)
    report = report_of(world, model, "/usr/bin/env", f"PYTHONPATH={tmp_path}", budget=8.0)

    assert "does not behave as it did when it was trained" in report.results[0].findings[0].message


def test_a_server_that_the_processor_cannot_run_is_never_ready(world, model):
    """An instruction that it does not have ends the server before the first request."""
    report = report_of(world, model, "/bin/sh", "-c", "kill -ILL $$", budget=30.0)

    (finding,) = report.results[0].findings
    assert "before it was ready" in finding.message
    assert "the instructions that its packages need" in finding.remedy


ILLEGAL = """
import faulthandler, os, signal, sys

def compute():
    os.kill(os.getpid(), signal.SIGILL)

faulthandler.enable()
compute()
"""
"""What a package does that was built for another processor."""


def test_the_crash_of_a_package_is_told_with_its_place(world, model, tmp_path):
    """And with what the processor lacks of the one that the model was trained on."""
    package = tmp_path / "site-packages" / "odd" / "core.py"
    package.parent.mkdir(parents=True)
    package.write_text(ILLEGAL)
    words = [sys.executable, str(package)]
    image = put_image(world.store, model.parent, words)
    papers = papers_of(image, world.store, world.folder, lacking=("avx2", "fma"))
    target = Target(
        read(image, world.store),
        engine=world.engine,
        folder=world.folder / "logs",
        labels={},
        papers=papers,
    )
    with target:
        (finding,) = starts.CHECK.findings(target)

    assert "before it was ready: Illegal instruction" in finding.message
    assert finding.place == "odd/core.py, line 5"
    assert "it lacks: avx2, fma" in finding.remedy
