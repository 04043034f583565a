"""Prediction logs of servers in a cluster: copied as they grow, each byte once."""

import json

import pytest
from cluster_world import world

from sealift import clock
from sealift.chapters import compiling
from sealift.chapters.deploying.mirror import Mirror, ensure_word
from sealift.chapters.deploying.release import release
from sealift.kubernetes.kinds import POD, SECRET
from sealift.kubernetes.records import word_of
from sealift.retired import is_retired


class Pod:
    """A server with a log; it hands it out to who knows the word."""

    def __init__(self, word):
        self.word = word
        self.files = {}
        self.asked = []

    def __call__(self, path, headers):
        """The answer to a GET."""
        self.asked.append(path)
        if headers.get("X-Sealift-Reader") != self.word or not path.startswith("/records"):
            return 404, b"{}"
        if path == "/records":
            sizes = {name: len(data) for name, data in self.files.items()}
            return 200, json.dumps(sizes).encode()
        _, _, name, offset = path.split("/")
        return 200, self.files[name][int(offset) :][:5]  # an answer has its limit


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A project whose model 1 serves in a cluster."""
    with world(tmp_path, monkeypatch) as made:
        release(made.wired, "production", 1, made.told)
        yield made


def test_logs_are_copied_as_they_grow(there, tmp_path):
    """By whoever goes on, also where a copy was read and removed; pods that went are noted."""
    place = compiling.placed(there.wired, "production")
    secret = there.state.objects[there.key("Secret", SECRET.api, "delays-reader")]
    names = [key.name for key in there.state.objects if key.kind.name == "Pod"]
    pod = there.server.pods[names[0]] = Pod(word_of(secret))
    folder = tmp_path / "records"
    with there.wired.cluster("") as cluster:

        def tick():
            Mirror(cluster, place, "delays", folder).tick()
            return {path.name: path.read_bytes() for path in (folder / names[0]).glob("*.jsonl")}

        pod.files = {"a-1.jsonl": b"0123456"}
        first = tick()
        pod.files = {"a-1.jsonl": b"0123456789", "a-2.jsonl": b"xy"}
        (folder / names[0] / "a-1.jsonl").write_bytes(b"01234567")  # killed before it was noted
        second = tick()
        (folder / names[0] / "a-1.jsonl").unlink()  # wholly read
        pod.files["a-2.jsonl"] += b"z"
        third = tick()
        ensure_word(cluster, place, "delays", there.told)
        again = there.state.objects[there.key("Secret", SECRET.api, "delays-reader")]
        for key in [key for key in there.state.objects if key.kind.name == "Deployment"]:
            there.state.delete(key, foreground=True)
        while there.state.find(POD, "models", {}):
            clock.sleep(0.02)
        tick()

    assert first == {"a-1.jsonl": b"0123456"}
    assert second == {"a-1.jsonl": b"0123456789", "a-2.jsonl": b"xy"}
    assert third == {"a-2.jsonl": b"xyz"}
    assert again == secret
    assert is_retired(folder / names[0])


def test_where_secrets_are_forbidden_a_release_goes_on_without_predictions(tmp_path, monkeypatch):
    """It says so."""
    with world(tmp_path, monkeypatch) as there:
        there.state.faults.forbidden |= {("get", "secrets"), ("patch", "secrets")}
        assert release(there.wired, "production", 1, there.told).moved
        assert any("Predictions are not read" in line for line in there.told.lines)
