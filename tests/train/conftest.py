"""Fixtures of the train stage."""

import secrets

import pytest
from train_project import Small

from object_server import serving


@pytest.fixture
def small(tmp_path):
    """The project in an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Small(folder)


@pytest.fixture(scope="session")
def object_server(tmp_path_factory):
    """A server of the S3 protocol."""
    with serving(tmp_path_factory.mktemp("objects")) as server:
        yield server


@pytest.fixture
def bucket(object_server):
    """A function that gives the objects of a place that no other test has."""
    prefix = secrets.token_hex(8)
    return lambda: object_server.bucket(prefix)
