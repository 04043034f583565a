"""What all tests share: one cache of downloaded packages, kept between runs."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def pytest_configure():
    """Downloads go to build/cache, so that a second run fetches nothing.

    Nor does onnxruntime send anything home where tests ask it by themselves.
    """
    os.environ.setdefault("SEALIFT_CACHE", str(REPOSITORY / "build" / "cache"))
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
