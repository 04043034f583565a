"""Both engines pass one suite."""

import pytest

from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.engines.podman import Podman
from sealift.testing.engine_suite import EngineSuite


@pytest.mark.engine
class TestBubblewrap(EngineSuite):
    @pytest.fixture
    def bench(self, tmp_path, make_bench):
        """With its own store."""
        return make_bench(Bubblewrap, tmp_path)


@pytest.mark.engine
class TestPodman(EngineSuite):
    many = 5

    @pytest.fixture
    def bench(self, tmp_path, make_bench, podman_settings):
        """With its own store, in the podman of this user."""
        return make_bench(Podman, tmp_path)
