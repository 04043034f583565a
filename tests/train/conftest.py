"""Fixtures of the train stage."""

import pytest
from train_project import Small


@pytest.fixture
def small(tmp_path):
    """The project in an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Small(folder)
