"""A project for each test, whose processes end with it."""

import pytest
from background import Site


@pytest.fixture
def site(tmp_path):
    """A project; whatever it started is ended."""
    made = Site(tmp_path)
    yield made
    made.down()
