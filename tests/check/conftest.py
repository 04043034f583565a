"""A world for each test: a store with images in it, and an engine."""

import pytest
from check_world import World


@pytest.fixture
def world(tmp_path):
    """An empty store with an engine; nothing that it started is left at the end."""
    made = World(tmp_path)
    yield made
    for container in made.engine.find({}):
        made.engine.stop(container, grace=0)
