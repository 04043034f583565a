"""What the commands with --env say, and what they refuse."""

import json

import pytest
from cluster_world import world

from sealift.cli import operate
from sealift.errors import ReleaseError, UsageError


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A project whose versions have passed their checks, and a cluster."""
    with world(tmp_path, monkeypatch) as made:
        yield made


def test_a_service_comes_and_goes_by_three_commands(there, tmp_path, capsys):
    """Each says what to do next."""
    operate.status(where=tmp_path, env="production")
    operate.release(where=tmp_path, env="production", model="1")
    operate.release(where=tmp_path, env="production")
    operate.status(where=tmp_path, env="production")
    operate.down(where=tmp_path, env="production", model="1")
    operate.down(where=tmp_path, env="production")
    said = capsys.readouterr().out

    assert "nothing is there yet; next: sealift release --env production" in said
    assert "all requests go to model 2" in said
    assert "delays-v1 is idle; next: sealift down --env production --model 1" in said
    assert "2      2 of 2   100 %     delays-v2" in said
    assert said.count("objects are gone") == 2
    assert there.kinds() == []


def test_without_waiting_requests_stay(there, tmp_path, capsys):
    """The answer as JSON says so, too."""
    operate.release(where=tmp_path, env="production", wait=False, json=True)
    said = json.loads(capsys.readouterr().out)

    assert said["moved"] is False
    assert said["objects"]["deployment delays-v2"] == "created"
    assert "HTTPRoute delays" not in there.kinds()


def test_an_image_without_its_papers_never_reaches_the_cluster(tmp_path, monkeypatch):
    """A release demands there what it demands here; nothing is applied before."""
    with world(tmp_path, monkeypatch, certified=False) as made:
        with pytest.raises(ReleaseError, match="no bill of materials") as caught:
            operate.release(where=tmp_path, env="production")
        assert "sealift package --model 2" in caught.value.remedy
        assert made.kinds() == []


def test_what_needs_an_environment_says_so(tmp_path):
    """Before anything is looked at."""
    with pytest.raises(UsageError, match="--model needs --env"):
        operate.down(where=tmp_path, model="1")
    with pytest.raises(UsageError, match="--force-conflicts needs --env"):
        operate.release(where=tmp_path, force=True)
