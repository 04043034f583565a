"""The Jobs of a cluster are an engine like others, but that they go on without their caller."""

import pytest
from job_world import job_world

from sealift.testing.engine_bench import EngineBench
from sealift.testing.engine_suite import IsolationSuite, RunSuite


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """One cluster for all."""
    with job_world(tmp_path_factory.mktemp("cluster")) as world:
        yield world


@pytest.mark.engine
class TestJobs(IsolationSuite, RunSuite):
    @pytest.fixture
    def bench(self, jobs, tmp_path):
        """In a cluster in memory, whose node runs the containers in bubblewrap."""
        return EngineBench(engine=jobs.engine(), image=jobs.image, folder=tmp_path, source="")
