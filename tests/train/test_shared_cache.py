"""The cache that a team shares: what one made, others take."""

import shutil

import pytest
from train_foreseen import ahead
from train_project import Small, one

from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.patient import PatientCache
from sealift.adapters.caches.registry import RegistryCache
from sealift.adapters.caches.team import TeamCache
from sealift.adapters.registries.retry import Retry
from sealift.adapters.registries.session import Access
from sealift.testing.registry import RegistryServer


class Team:
    """Two machines with a project each, and a cache between them."""

    def __init__(self, root, cache):
        self._root, self._cache = root, cache

    def machine(self, name, *, write=True):
        """A machine that has never run anything."""
        made = Small(self._root / name)
        made.cache = PatientCache(self._cache(made.store), made.talk, write=write)
        return made


@pytest.fixture(params=["folder", "registry"])
def team(request, tmp_path):
    """Over a folder, and over a registry."""
    if request.param == "folder":
        (tmp_path / "shared").mkdir()
        yield Team(tmp_path, lambda store: TeamCache(Folder(tmp_path / "shared"), store))
        return
    with RegistryServer() as server:
        access = Access(retry=Retry(attempts=1))
        yield Team(
            tmp_path, lambda store: RegistryCache(f"{server.host}/team/steps", store, access)
        )


def test_what_one_machine_made_another_takes(team):
    """All of it, byte for byte, without a container; and says whence."""
    here = team.machine("here")
    first = here.run()
    there = team.machine("there")
    second = there.run()

    assert there.engine.ran == []
    assert [step.outputs for step in second.steps] == [step.outputs for step in first.steps]
    assert there.output(second, "train.model").joinpath("weights").read_text().startswith("2 7\n")
    assert "from the cache of the team" in one(second, "train").because
    assert second.metrics == first.metrics
    assert ahead(there)["train"].action == "cached"


def test_only_what_is_made_of_the_same_is_taken(team):
    """What another parameter made is another step."""
    team.machine("here").run()
    there = team.machine("there")
    second = there.run(depth=3)

    assert [step.name for step in second.steps if not step.cached] == ["train", "evaluate"]


def test_who_may_only_read_puts_nothing_there(team):
    """Such as the machines of people, where only CI's are trusted."""
    team.machine("reader", write=False).run()
    there = team.machine("there")
    there.run()

    assert len(there.engine.ran) == 3


def test_content_that_was_changed_is_not_taken(tmp_path):
    """A blob is looked at by its digest; what does not fit is made again."""
    team = Team(tmp_path, lambda store: TeamCache(Folder(tmp_path / "shared"), store))
    (tmp_path / "shared").mkdir()
    team.machine("here").run()
    for blob in (tmp_path / "shared" / "blobs" / "sha256").iterdir():
        blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    for entry in list((tmp_path / "shared" / "steps").rglob("*.json"))[:1]:
        entry.write_text("{ half")
    there = team.machine("there")

    assert there.run().status == "done"
    assert len(there.engine.ran) == 3


def test_a_cache_that_fails_fails_no_run(tmp_path):
    """It is said once, and left aside."""
    team = Team(tmp_path, lambda store: TeamCache(Folder(tmp_path / "shared"), store))
    (tmp_path / "shared").mkdir()
    here = team.machine("here")
    shutil.rmtree(tmp_path / "shared")
    run = here.run()

    assert run.status == "done"
    said = [line for line in here.talk.said if "shared cache is left aside" in line]
    assert len(said) == 1
    assert "there is no such folder" in said[0]


def test_what_was_made_before_there_was_a_cache_gets_there_too(tmp_path):
    """With the first run that knows it, though nothing runs in that."""
    team = Team(tmp_path, lambda store: TeamCache(Folder(tmp_path / "shared"), store))
    (tmp_path / "shared").mkdir()
    here = team.machine("here")
    cache, here.cache = here.cache, None
    here.run()
    here.cache = cache
    here.run()
    there = team.machine("there")
    there.run()

    assert there.engine.ran == []
