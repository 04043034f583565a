"""Everybody who can be started: ours, the ceilings, and each rival in its locked environment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import program
from benchmarks.environment import environment
from benchmarks.machine import REPOSITORY
from benchmarks.serving.model import Made
from benchmarks.serving.places import RIVALS, WORK
from benchmarks.serving.subject import Dialect, Subject

ECHO = "echo of the body (ceiling)"
PROTOCOL = "/v2/models/digits/infer"
DEBIAN = Path("/usr/bin/python3.11")
"""The interpreter of PyTriton: Triton's helper processes load the distribution's libpython."""


def ours(folder: Path) -> Subject:
    """The server as in the image: guard, metrics, prediction log."""
    return Subject(
        "ours",
        [sys.executable, "-m", "sealift.container", "serve", folder],
        PROTOCOL,
        "protocol",
        WORK,
        {
            "SEALIFT_PORT": "{port}",
            "SEALIFT_GRPC_PORT": "{grpc}",
            "SEALIFT_WORKERS": "{workers}",
            "SEALIFT_RECORDS": str(WORK / "records"),
            "SEALIFT_IMAGE": "sha256:" + "0" * 64,
        },
        grpc=True,
    )


def summing(folder: Path) -> Subject:
    """Ours with the model that only adds columns up."""
    return replace(ours(folder), path="/v2/models/sum/infer", judged=False)


def ceiling(what: str, name: str) -> Subject:
    """The same HTTP server without a model: ``echo`` or ``read``."""
    words = [sys.executable, "-m", "benchmarks.serving.ceiling", what, "{port}", "{workers}"]
    return Subject(name, words, PROTOCOL, "protocol", REPOSITORY, judged=False)


def script(
    name: str,
    made: Made,
    path: str = "/predict",
    dialect: Dialect = "inputs",
    *,
    grpc: bool = False,
) -> Subject:
    """A rival that its ``serve.py`` starts. Raises ``FailedError`` without its environment."""
    interpreter = DEBIAN if name == "PyTriton" else None
    folder = RIVALS / name.lower().partition(" ")[0]
    home = environment(
        folder / "requirements.txt", "3.11", f"serving-{folder.name}", interpreter=interpreter
    )
    place = WORK / folder.name
    place.mkdir(parents=True, exist_ok=True)
    words: list[str | Path] = [home / "bin" / "python", folder / "serve.py", place]
    if name == "BentoML":
        words = [home / "bin" / "bentoml", "serve", "serve:Service"]
        words += ["--host", "127.0.0.1", "--port", "{port}"]
    elif name == "MLflow":
        save = [home / "bin" / "python", folder / "save.py", made.onnx, place / "model"]
        program.run(save, cwd=place)
        words = [home / "bin" / "mlflow", "models", "serve", "--model-uri", place / "model"]
        words += ["--env-manager", "local", "--port", "{port}", "--workers", "{workers}"]
    variables = {
        "PORT": "{port}",
        "GRPC_PORT": "{grpc}",
        "OTHER_PORT": "{other}",
        "WORKERS": "{workers}",
        "MODEL": str(made.onnx),
        "PYTHONPATH": str(RIVALS),
        "PATH": f"{home / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place),
        "BENTOML_DO_NOT_TRACK": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Subject(name, words, path, dialect, folder, variables, grpc=grpc)


RIVALRY: dict[str, Callable[[Made], Subject]] = {
    "fastapi": lambda made: script("FastAPI + onnxruntime", made),
    "pytriton": lambda made: script("PyTriton", made, PROTOCOL, "protocol", grpc=True),
    "mlserver": lambda made: script("MLServer", made, PROTOCOL, "protocol", grpc=True),
    "bentoml": lambda made: script("BentoML", made),
    "litserve": lambda made: script("LitServe", made),
    "mlflow": lambda made: script("MLflow", made, "/invocations"),
    "ray": lambda made: script("Ray Serve", made),
    "kserve": lambda made: script("KServe", made, PROTOCOL, "protocol", grpc=True),
}

__all__ = ["ECHO", "RIVALRY", "ceiling", "ours", "script", "summing"]
