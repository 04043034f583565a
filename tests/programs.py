"""Programs of others that tests run."""

import os
import shutil

import pytest


def needs(program):
    """Skip on a developer's machine without ``program``; fail where all of it must be tested."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed, and continuous integration tests it.")
        pytest.skip(f"{program} is not installed here.")
