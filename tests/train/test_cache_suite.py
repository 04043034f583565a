"""All caches of a team pass one suite."""

import secrets

import pytest

from sealift.adapters.caches.bucket import Bucket, access
from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.registry import RegistryCache
from sealift.adapters.caches.team import TeamCache
from sealift.adapters.registries.retry import Retry
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.errors import MachineError
from sealift.network.network import Network
from sealift.record.bucket import BucketPlace
from sealift.testing.cache_suite import CacheSuite, KeepingSuite
from sealift.testing.registry import RegistryServer


@pytest.fixture
def store(tmp_path):
    """A function from a name to a new store."""
    return lambda name: Layout(tmp_path / name / "layout", tmp_path / name / "unpacked")


class OverObjects(KeepingSuite):
    @pytest.fixture
    def cache(self, objects):
        """A cache in objects."""
        return lambda store: TeamCache(objects, store)

    @pytest.fixture
    def names(self, objects):
        """What there is."""
        return objects.names

    @pytest.fixture
    def harm(self, objects):
        """Change the last byte."""

        def change(folder):
            for name in objects.names(folder):
                with objects.open(name) as stream:
                    content = stream.read()
                objects.put(name, content[:-1] + b"!", replace=True)

        return change


class TestFolder(OverObjects):
    @pytest.fixture
    def objects(self, tmp_path):
        """Files."""
        (tmp_path / "shared").mkdir()
        return Folder(tmp_path / "shared")


class TestBucket(OverObjects):
    @pytest.fixture
    def objects(self, bucket):
        """Objects of a real server."""
        return bucket()

    def test_large_objects_are_sent_in_parts(self, objects, tmp_path, monkeypatch):
        """And come back whole."""
        monkeypatch.setattr("sealift.adapters.caches.bucket.SMALL", 1 << 20)
        content = secrets.token_bytes(1 << 20) * 13
        (tmp_path / "file").write_bytes(content)

        assert objects.put("large", tmp_path / "file", replace=False)
        assert not objects.put("large", b"other", replace=False)
        with objects.open("large") as stream:
            assert stream.read() == content


class TestRegistry(CacheSuite):
    @pytest.fixture
    def cache(self):
        """A repository of a registry."""
        with RegistryServer() as server:
            access_ = Access(retry=Retry(attempts=1))
            yield lambda store: RegistryCache(f"{server.host}/team/steps", store, access_)


def test_a_bucket_that_is_not_reached_says_so(object_server):
    """With what to look at; wrong keys are told apart from a server that is not there."""
    wrong = object_server.environment | {"AWS_SECRET_ACCESS_KEY": "guess"}
    with pytest.raises(MachineError, match="cannot be reached") as caught:
        Bucket(BucketPlace(address="s3://team/a"), Network(environment=wrong)).has("b")

    assert "AWS_ENDPOINT_URL" in caught.value.remedy
    assert caught.value.where == "s3://team/a"
    offline = {"SEALIFT_OFFLINE": "1", "HOME": "/nonexistent"}
    with pytest.raises(MachineError, match="offline"):
        Bucket(BucketPlace(address="s3://team/a"), Network(environment=offline))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "does not know the access key"),
        ({"AWS_SECRET_ACCESS_KEY": "guess"}, "secret key does not fit"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "nothing answers at http://127"),
        ({"AWS_ENDPOINT_URL": "http://nowhere.invalid"}, "name of http://nowhere.invalid is not"),
    ],
)
def test_what_keeps_from_a_bucket_is_said_in_a_sentence(object_server, changes, words):
    """By the code of the server, or the fault of the connection."""
    environment = object_server.environment | changes
    bucket = Bucket(BucketPlace(address="s3://team/a"), Network(environment=environment))
    with pytest.raises(MachineError) as caught:
        bucket.put("b", b"", replace=True)

    assert words in caught.value.what
    assert len(caught.value.what) < 120


def test_a_name_cannot_stand_before_an_address():
    """Which is said before anything is asked."""
    place = BucketPlace(address="s3://team", endpoint="http://10.0.0.7", path_style=False)
    with pytest.raises(MachineError, match="path_style"):
        Bucket(place, Network(environment={"HOME": "/nonexistent"}))


def test_access_is_found_where_the_tools_of_aws_find_it(tmp_path):
    """Variables first; keys of one place are not mixed with those of another."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = B\naws_session_token = C\n"
        "[work]\naws_access_key_id = D\naws_secret_access_key = E%\n"
    )
    (tmp_path / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-1\n[profile work]\nendpoint_url = https://s3.work.test\n"
    )
    home = {"HOME": str(tmp_path)}

    assert access(home) == {
        "access_key_id": "A",
        "secret_access_key": "B",
        "session_token": "C",
        "region": "eu-west-1",
    }
    assert access(home | {"AWS_PROFILE": "work"}) == {
        "endpoint": "https://s3.work.test",
        "region": "us-east-1",
        "access_key_id": "D",
        "secret_access_key": "E%",
    }
    keys = {"AWS_ACCESS_KEY_ID": "F", "AWS_SECRET_ACCESS_KEY": "G", "AWS_REGION": "r"}
    assert access(home | keys) == {"access_key_id": "F", "secret_access_key": "G", "region": "r"}
