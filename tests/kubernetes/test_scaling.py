"""A version gets more or fewer servers in a cluster, without a release."""

import pytest
from cluster_world import world

from sealift.chapters.deploying.release import release
from sealift.chapters.deploying.scaling import scale
from sealift.errors import NotFoundError, UsageError


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A project whose model 1 serves."""
    with world(tmp_path, monkeypatch) as made:
        release(made.wired, "production", 1, made.told)
        yield made


def pods(there):
    """How many servers model 1 has."""
    return len([one for one in there.state.objects if one.kind.name == "Pod"])


def test_the_version_that_serves_gets_so_many_servers(there):
    """More, which are waited for, and fewer; requests stay where they are."""
    for number in (4, 1):
        now = scale(there.wired, "production", None, there.told, replicas=number, most=0)
        with there.state.settled():
            assert (now.model, now.ready, now.wanted, pods(there)) == (1, number, number, number)
    assert there.route() == {"delays-v1": 1000}


def test_an_autoscaler_comes_and_goes(there):
    """With a number for more servers under load, and without."""
    scale(there.wired, "production", 1, there.told, replicas=2, most=5)
    before = "HorizontalPodAutoscaler delays-v1" in there.kinds()
    scale(there.wired, "production", 1, there.told, replicas=2, most=0)

    assert before
    assert "HorizontalPodAutoscaler delays-v1" not in there.kinds()


def test_what_cannot_be_scaled_is_said(there):
    """A version that is not there, and fewer servers at most than at least."""
    with pytest.raises(NotFoundError, match="Model 2 is not in production"):
        scale(there.wired, "production", 2, there.told, replicas=2, most=0)
    with pytest.raises(UsageError, match="1 servers at most are fewer than 2"):
        scale(there.wired, "production", None, there.told, replicas=2, most=1)
