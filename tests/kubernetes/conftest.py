"""Fixtures of the Kubernetes tests."""

import pytest

from object_server import serving


@pytest.fixture(scope="session")
def object_server(tmp_path_factory):
    """A server of the S3 protocol."""
    with serving(tmp_path_factory.mktemp("objects")) as server:
        yield server
