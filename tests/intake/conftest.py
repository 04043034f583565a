"""Images of a server that is no Sealift's, and projects to bring them into."""

import pytest
from foreign_images import Foreign
from intake_world import Newcomer

from programs import needs


@pytest.fixture(scope="session")
def foreign():
    """What builds images of the perl server."""
    needs("perl")
    return Foreign()


@pytest.fixture
def newcomer(tmp_path, foreign):
    """A project without steps, to bring images into; nothing of it is left running."""
    made = Newcomer(tmp_path / "project", tmp_path / "images", foreign)
    yield made
    made.end()
