"""What every cache of a team does: an adapter's tests inherit the suite and give two fixtures.

``cache`` is a function from a store to the cache in it, ``store`` one from a name to a new store.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sealift import digest
from sealift.errors import IntegrityError
from sealift.ports import SharedCache, Store
from sealift.record.run import StepRun

KEY, OTHER = digest.of_bytes(b"key"), digest.of_bytes(b"other")

Stores = Callable[[str], Store]
Caches = Callable[[Store], SharedCache]


def finished(store: Store, folder: Path, word: str = "made") -> StepRun:
    """A step with two outputs, a file and a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_text(word)
    (folder / "inner").mkdir(exist_ok=True)
    (folder / "inner" / "deep").write_text(word * 1000)
    return StepRun(
        name="train",
        status="done",
        key=KEY,
        leaves={"command": "true"},
        cached=False,
        command="true",
        started=1.0,
        seconds=2.0,
        outputs={
            "file": store.put_tree(folder / "file"),
            "folder": store.put_tree(folder / "inner"),
        },
    )


class CacheSuite:
    """Finished steps."""

    def test_what_is_offered_is_found_elsewhere(
        self, cache: Caches, store: Stores, tmp_path: Path
    ) -> None:
        """The record as it was, and all of its outputs in the other store."""
        here, there = store("here"), store("there")
        step = finished(here, tmp_path / "made")
        cache(here).offer(step)
        found = cache(there).find(KEY)

        assert found == step
        assert (there.tree(step.outputs["folder"]) / "deep").read_text() == "made" * 1000

    def test_what_nobody_offered_is_not_found(self, cache: Caches, store: Stores) -> None:
        """And that is no error."""
        assert cache(store("here")).find(OTHER) is None

    def test_the_same_may_be_offered_again(
        self, cache: Caches, store: Stores, tmp_path: Path
    ) -> None:
        """By two machines that ran it at the same time."""
        here = store("here")
        step = finished(here, tmp_path / "made")
        for _ in range(2):
            cache(here).offer(step)

        assert cache(store("there")).find(KEY) == step


class KeepingSuite(CacheSuite):
    """Also of those that replace and remove: checkpoints, and what was damaged.

    ``harm`` is a function that changes the last byte of every object whose name begins so.
    """

    def test_the_first_of_two_stays(self, cache: Caches, store: Stores, tmp_path: Path) -> None:
        """So that all machines come to the same where a step is not deterministic."""
        here = store("here")
        first = finished(here, tmp_path / "made")
        second = finished(here, tmp_path / "made", "other")
        cache(here).offer(first)
        cache(here).offer(second)

        assert cache(store("there")).find(KEY) == first

    def test_damaged_outputs_are_said_and_made_again(
        self, cache: Caches, store: Stores, tmp_path: Path, harm: Callable[[str], None]
    ) -> None:
        """By whoever found it."""
        here = store("here")
        step = finished(here, tmp_path / "made")
        cache(here).offer(step)
        harm("blobs/")
        there = store("there")
        finder = cache(there)
        with pytest.raises(IntegrityError, match="damaged"):
            finder.find(KEY)
        finished(there, tmp_path / "made")
        finder.offer(step)

        assert cache(store("last")).find(KEY) == step

    def test_a_damaged_record_is_said_and_made_again(
        self, cache: Caches, store: Stores, tmp_path: Path, harm: Callable[[str], None]
    ) -> None:
        """One that is cut off, or is that of another step."""
        here = store("here")
        step = finished(here, tmp_path / "made")
        cache(here).offer(step)
        harm("steps/")
        finder = cache(here)
        with pytest.raises(IntegrityError):
            finder.find(KEY)
        finder.offer(msgspec.structs.replace(step, seconds=3.0))
        found = cache(store("there")).find(KEY)

        assert found is not None
        assert found.seconds == 3.0

    def test_the_newest_checkpoints_alone_are_kept(
        self, cache: Caches, store: Stores, tmp_path: Path, names: Callable[[str], list[str]]
    ) -> None:
        """They come back as they were, to be written; and go when the step is done."""
        kept = cache(store("here"))
        folder = tmp_path / "checkpoints"
        (folder / "inner").mkdir(parents=True)
        for number in range(12):
            (folder / "last").write_text(str(number))
            (folder / "inner" / "weights").write_bytes(bytes(number))
            kept.keep(KEY, folder)
        other = cache(store("there"))
        assert len(names("checkpoints/")) == 1
        assert not other.resume(OTHER, tmp_path / "none")
        assert other.resume(KEY, tmp_path / "back")
        assert (tmp_path / "back" / "last").read_text() == "11"
        (tmp_path / "back" / "inner" / "weights").write_bytes(b"more")

        other.drop(KEY)
        assert names("checkpoints/") == []
        assert not kept.resume(KEY, tmp_path / "gone")

    def test_damaged_checkpoints_are_none(
        self, cache: Caches, store: Stores, tmp_path: Path, harm: Callable[[str], None]
    ) -> None:
        """The step begins anew rather than from them."""
        kept = cache(store("here"))
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last").write_text("1")
        kept.keep(KEY, tmp_path / "checkpoints")
        harm("checkpoints/")

        assert not kept.resume(KEY, tmp_path / "back")
        assert not (tmp_path / "back").exists()


__all__ = ["KEY", "OTHER", "CacheSuite", "KeepingSuite", "finished"]
