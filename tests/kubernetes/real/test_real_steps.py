"""Steps as Jobs of a real cluster: the same bytes as here, and nothing lost to a kill."""

import pytest
from real_cluster import until

from sealift.kubernetes.reading import text


@pytest.fixture(scope="module")
def counts(project):
    """A project whose step counts to 40 in as many seconds as it is told."""
    return project("counts")


class Training:
    """`sealift train` in the cluster, of a step that is done in so many seconds."""

    def __init__(self, counts, cluster, seconds):
        self.counts, self.cluster = counts, cluster
        self.before = 0
        self.words = ("train", "--env", "production", "-p", f"seconds={seconds}")

    def begun(self):
        """The command at work."""
        self.before = len(self.logs())
        return self.counts.begun(*self.words)

    def again(self):
        """The command to its end, with what it said."""
        self.before = len(self.logs())
        return self.counts.run(*self.words).stderr

    def logs(self):
        """What the step said, run by run."""
        found = sorted((self.counts.root / ".sealift" / "runs").glob("*/count.log"))
        return [one.read_text().splitlines() for one in found]

    def newest(self):
        """What the step said in the run that was begun last."""
        logs = self.logs()
        return logs[-1] if len(logs) > self.before else []

    def counted(self, begun, number):
        """Wait until the step has counted that far; its Job."""
        until(
            lambda: f"now {number}" in self.newest() or begun.child.poll() is not None,
            f"the step comes to {number}",
            told=lambda: begun.said,
        )
        job = self.cluster.job(self.counts.name)
        assert job is not None, begun.said
        return job

    def pods(self, job):
        """The pods of a Job."""
        name = text(job, "metadata", "name")
        return self.cluster.pods(**{"batch.kubernetes.io_job-name": name})


@pytest.fixture(scope="module")
def training(counts, cluster):
    """Makes trainings; a time of their own keeps the cache of one from the others."""
    return lambda seconds: Training(counts, cluster, seconds)


def test_a_step_in_the_cluster_writes_what_it_writes_here(slopes, project):
    """Its key and the digests of its outputs are those of a run on this machine."""
    here = project("slopes", name=slopes.name).answer("train")["run"]
    there = slopes.trained

    assert (there["machine"]["engine"], here["machine"]["engine"]) == ("kubernetes", "bubblewrap")
    assert [one["key"] for one in there["steps"]] == [one["key"] for one in here["steps"]]
    assert [one["outputs"] for one in there["steps"]] == [one["outputs"] for one in here["steps"]]


def test_a_step_whose_pod_is_killed_goes_on_from_its_checkpoint(training):
    """In another pod, which begins where the first one was."""
    training = training(6.0)
    with training.begun() as begun:
        job = training.counted(begun, 15)
        (pod,) = training.pods(job)
        training.cluster.kill(pod)
        assert begun.ended() == 0, begun.said
    said = training.newest()
    begins = [int(one.split()[-1]) for one in said if one.startswith("begins")]

    assert begins[0] == 0
    assert begins[-1] >= 15
    assert said[-1] == "now 40"


def test_a_killed_sealift_finds_its_step_again_and_runs_it_once(training):
    """The same Job and pod go on; what the step said meanwhile comes as well."""
    training = training(6.5)
    with training.begun() as begun:
        before = training.counted(begun, 10)
        pods = training.pods(before)
        begun.kill()
    with training.begun() as again:
        again.until("found in the cluster")
        after = training.counted(again, 11)
        same = training.pods(after)
        assert again.ended() == 0, again.said
    said = training.newest()

    assert text(after, "metadata", "uid") == text(before, "metadata", "uid")
    assert [text(one, "metadata", "uid") for one in same] == [
        text(one, "metadata", "uid") for one in pods
    ]
    assert said == ["begins at 0", *(f"now {number}" for number in range(1, 41))]


def test_an_interrupted_sealift_removes_its_job(training):
    """And its pods; the checkpoints stay, and the next run goes on from them."""
    training = training(7.0)
    with training.begun() as begun:
        job = training.counted(begun, 12)
        assert begun.interrupt() != 0
        until(lambda: not training.pods(job), "the pods end")
        until(lambda: training.cluster.job(training.counts.name) is None, "the Job is gone")
    training.again()
    said = training.newest()

    assert int(said[0].split()[-1]) >= 12
    assert int(said[-1].split()[-1]) == 40
