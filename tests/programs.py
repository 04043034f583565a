"""Programs of others that tests run."""

import os
import shutil

import pytest


def needs(program):
    """Skip on a developer's machine without ``program``; fail where all of it must be tested."""
    if shutil.which(program) is None:
        _lacking(f"{program} is not installed")


def needs_root():
    """Skip where programs that only root can use are out of reach; fail as ``needs`` does."""
    if os.geteuid():
        _lacking("this is not root")


def _lacking(what):
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and continuous integration tests it.")
    pytest.skip(f"{what}.")
