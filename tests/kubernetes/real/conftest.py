"""Tests on a real cluster: there are none where ``SEALIFT_TEST_KUBECONFIG`` names none."""

import os
from pathlib import Path

import pytest
from real_cluster import RealCluster, until
from real_place import REAL, MissingError, Place
from real_project import RealProject

from sealift import clock

collect_ignore_glob = [] if REAL else ["test_*.py"]


@pytest.fixture(scope="session")
def place():
    """Where the tests run, as the variables say; the command line is asked for that cluster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(Path(REAL).resolve()))
        yield named()


def named():
    """The place, or a failure that says what is to be set."""
    lacking = ""
    try:
        return Place.named(os.environ)
    except MissingError as error:
        lacking = str(error)
    return pytest.fail(lacking, pytrace=False)


@pytest.fixture(scope="session")
def cluster(place):
    """The cluster as its administrator has it."""
    with RealCluster(place.namespace) as made:
        yield made


@pytest.fixture(scope="session")
def project(place, cluster, tmp_path_factory):
    """Makes projects; what is left of them in the cluster at the end is removed."""
    names = []

    def made(source, *, folder="", name=""):
        name = name or f"{source}-{clock.token(5)}"
        names.append(name)
        return RealProject(source, tmp_path_factory.mktemp(source) / (folder or name), name, place)

    yield made
    for name in names:
        cluster.clean(name)


@pytest.fixture(scope="session")
def slopes(project):
    """A project with model 1, trained in the cluster, 2, as good, and 3, with a flaw."""
    made = project("slopes")
    made.trained = made.answer("train", "--env", "production")["run"]
    made.certify(1)
    for version, param in ((2, "degree=2"), (3, "flaw=1")):
        made.answer("train", "-p", param)
        made.certify(version)
    return made


@pytest.fixture
def serving(slopes):
    """The project, where model 1 has all requests and no release is in progress."""
    latest = slopes.there()["release"]
    if latest is not None and latest["state"] != "ended":
        slopes.run("rollback", "--env", "production")
    slopes.served(1)
    until(
        lambda: not [one for one in slopes.there()["versions"] if one["trouble"]],
        "servers that were taken away are gone",
    )
    return slopes
