"""The image itself: its bytes packed and unpacked, its layers, and the time until it is ready."""

from __future__ import annotations

import contextlib
import sys

from benchmarks import program
from benchmarks.package.builders import Builder
from benchmarks.package.field import Field
from benchmarks.package.subject import Subject
from benchmarks.result import Result, result
from sealift import clock

LIMIT = 200.0
PATHS = ("8080/v2/health/ready", "3000/readyz", "8080/ping")
_PROBE = """
import sys, time, urllib.request
until = time.monotonic() + 120
while time.monotonic() < until:
    for path in sys.argv[1:]:
        try:
            urllib.request.urlopen('http://127.0.0.1:' + path, timeout=2).close()
            raise SystemExit(0)
        except OSError:
            time.sleep(0.005)
raise SystemExit('not ready after 120 s')
"""


def measure(field: Field) -> list[Result]:
    """Everything is pulled from the registry into one engine's storage, and started there."""
    podman = field.builders.get("podman")
    if podman is None:
        raise program.FailedError("podman is not here, which starts every image")
    found: dict[str, dict[str, list[float]]] = {"packed": {}, "unpacked": {}, "layers": {}}

    def sizes(subject: Subject) -> list[float]:
        reference = field.reference(subject, "image")
        subject.deliver(reference)
        layers = field.registry.manifest(field.repository(subject, "image"), "1")["layers"]
        found["packed"][subject.name] = [sum(one["size"] for one in layers) / 1e6]
        found["layers"][subject.name] = [float(len(layers))]
        podman.run("pull", "--tls-verify=false", "--quiet", reference)
        size = podman.run("image", "inspect", "--format", "{{.Size}}", reference)
        found["unpacked"][subject.name] = [int(size) / 1e6]
        return [ready(podman, reference) for _ in field.rounds(subject)]

    starts, absent = field.each(sizes)

    def told(name: str, key: str, unit: str, limit: float | None = None) -> Result:
        rule = "200 MB for scikit-learn by way of ONNX" if limit else ""
        return result(name, found[key], field.where, unit=unit, limit=limit, rule=rule,
            absent=absent)  # fmt: skip

    return [
        told("image unpacked", "unpacked", "MB", LIMIT),
        told("image packed, all layers", "packed", "MB"),
        told("layers of the image", "layers", ""),
        result("start to ready, in podman", starts, field.where, absent=absent),
    ]


def ready(podman: Builder, reference: str) -> float:
    """Seconds from the engine's command to the first good answer, in a network of its own."""
    began = clock.monotonic()
    options = ("--detach", "--rm", "--network", "none", "--tmpfs", "/tmp")  # noqa: S108
    name = podman.run("run", *options, reference).strip()
    try:
        pid = podman.run("inspect", "--format", "{{.State.Pid}}", name).strip()
        inside = ["nsenter", "--target", pid, "--net", sys.executable, "-S", "-c", _PROBE]
        program.run([*inside, *PATHS])
        return clock.monotonic() - began
    finally:
        with contextlib.suppress(program.FailedError):
            podman.run("kill", name)


__all__ = ["measure", "ready"]
