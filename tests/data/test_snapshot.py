"""Snapshots: what a path stands for is pinned, and whatever moves afterwards is named."""

import os
import time

import msgspec
import pytest

from sealift import digest
from sealift.data import memory
from sealift.data.find import find
from sealift.data.snapshot import Files, snapshot, verify
from sealift.errors import DataError
from sealift.record.project import Source


@pytest.fixture
def lake(tmp_path):
    """A project with a small partitioned dataset."""
    for month in (1, 2, 10):
        folder = tmp_path / "data" / f"month={month}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(f"id\n{month}\n")
        (folder / "b.parquet").write_bytes(b"PAR1" * month)
    (tmp_path / "data" / ".hidden.csv").write_text("x")
    (tmp_path / "top.csv").write_text("top")
    return tmp_path


def names(root, uri):
    """The files that a path or glob stands for, as text."""
    return [path.as_posix() for path in find(root, uri)]


def pinned(root, uri="data"):
    """A snapshot of the dataset called lake."""
    return snapshot(root, "lake", Source(uri=uri))


@pytest.fixture
def quiet(lake):
    """The lake once it has been left alone for long enough to be remembered."""
    time.sleep(memory.QUIET + 0.1)
    return lake


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("top.csv", ["top.csv"]),
        ("./top.csv", ["top.csv"]),
        ("*.csv", ["top.csv"]),
        ("data/month=2", ["data/month=2/a.csv", "data/month=2/b.parquet"]),
        ("data/month=?/a.csv", ["data/month=1/a.csv", "data/month=2/a.csv"]),
        ("data/month=[12]/*.parquet", ["data/month=1/b.parquet", "data/month=2/b.parquet"]),
        (
            "data/**/*.csv",
            ["data/month=1/a.csv", "data/month=10/a.csv", "data/month=2/a.csv"],
        ),
        ("**/b.*", [f"data/month={m}/b.parquet" for m in (1, 10, 2)]),
        ("data/month=1*", [f"data/month={m}/{n}" for m in (1, 10) for n in ("a.csv", "b.parquet")]),
        ("data/month=1/**", ["data/month=1/a.csv", "data/month=1/b.parquet"]),
        ("data/.h*", ["data/.hidden.csv"]),
    ],
)
def test_paths_folders_and_globs_stand_for_files_in_the_order_of_their_bytes(lake, uri, expected):
    """Hidden names are taken only where the pattern says so."""
    assert names(lake, uri) == expected


def test_a_file_whose_name_looks_like_a_glob_is_taken_as_it_is(tmp_path):
    """What is there wins over what a pattern might mean."""
    (tmp_path / "a[1].csv").write_text("x")
    (tmp_path / "a1.csv").write_text("y")

    assert names(tmp_path, "a[1].csv") == ["a[1].csv"]


def test_an_absolute_path_outside_the_project_keeps_its_absolute_name(lake, tmp_path_factory):
    """Data is pinned where it lies."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.csv").write_text("x")

    assert names(lake, str(outside)) == [str(outside / "x.csv")]
    assert names(lake, f"{outside}/*.csv") == [str(outside / "x.csv")]
    assert names(lake, str(lake / "top.csv")) == ["top.csv"]
    verify(lake, pinned(lake, str(outside)))


def test_links_are_followed_and_a_link_to_a_parent_ends(lake, tmp_path_factory):
    """A lake is often linked into a project; a circle of links does not hang."""
    outside = tmp_path_factory.mktemp("linked")
    (outside / "far.csv").write_text("far")
    (lake / "data" / "link").symlink_to(outside)
    (lake / "data" / "file.csv").symlink_to(outside / "far.csv")
    (lake / "data" / "loop").symlink_to(lake / "data")
    (lake / "data" / "month=1" / "up").symlink_to("..")

    found = names(lake, "data/**/*.csv")

    assert "data/link/far.csv" in found
    assert "data/file.csv" in found
    assert not [name for name in found if "loop" in name or "/up/" in name]
    assert set(names(lake, "data")) == {*found, *names(lake, "data/month=*/b.parquet")}


@pytest.mark.parametrize(
    ("uri", "remedy"),
    [
        ("dta/month=1/a.csv", "Did you mean 'data'?"),
        ("data/month=3", "Did you mean 'month=2'?"),
        ("data/month=1/c.csv", "Did you mean 'a.csv'?"),
        ("data/month=1/*.json", "change the pattern"),
        ("other/*.json", "Put it there"),
        ("top.csv/x", "is"),
    ],
)
def test_what_is_missing_is_told_with_the_nearest_that_is_there(lake, uri, remedy):
    """The error names the first part of the path that does not exist."""
    with pytest.raises(DataError) as caught:
        find(lake, uri)

    assert remedy in f"{caught.value.remedy} {caught.value.what}"
    assert caught.value.where.startswith(str(lake))


def test_a_broken_link_is_told_only_when_the_pattern_meets_it(lake):
    """Rubbish beside the data does no harm; rubbish in it is named."""
    (lake / "data" / "month=1" / "gone.csv").symlink_to("nowhere")

    assert names(lake, "data/month=1/*.parquet") == ["data/month=1/b.parquet"]
    with pytest.raises(DataError, match=r"'gone\.csv' leads to nothing: nowhere"):
        find(lake, "data/month=1")


def test_a_pipe_is_refused_instead_of_waited_for(lake):
    """Reading it would never end."""
    os.mkfifo(lake / "data" / "pipe")

    with pytest.raises(DataError, match="pipe"):
        find(lake, "data")


def test_a_name_that_is_not_text_is_refused(tmp_path):
    """It could not be written into a record."""
    (tmp_path / os.fsdecode(b"\xff.csv")).write_text("x")

    with pytest.raises(DataError, match="not UTF-8"):
        find(tmp_path, "*.csv")


def test_a_snapshot_names_each_file_with_size_and_digest(lake):
    """The same state gives the same snapshot."""
    taken = pinned(lake)

    assert [entry.path for entry in taken.entries] == names(lake, "data")
    first = taken.entries[0]
    assert first.size == 5
    assert first.digest == digest.of_file(lake / first.path)
    assert pinned(lake) == taken
    assert Files(lake).pin("lake", Source(uri="data")) == taken


@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_any_change_of_a_dataset_changes_its_digest(lake, change):
    """Contents, names and the number of files all count."""
    before = pinned(lake)
    file = lake / "data" / "month=1" / "a.csv"
    if change == "content":
        file.write_text("id\n9\n")
    elif change == "name":
        file.rename(file.with_name("z.csv"))
    elif change == "more":
        file.with_name("c.csv").write_text("")
    else:
        file.unlink()

    assert pinned(lake).digest != before.digest


def test_what_moved_since_is_named(lake):
    """Changed and vanished files are told apart; others are not mentioned."""
    taken = pinned(lake)
    verify(lake, taken)
    (lake / "data" / "month=1" / "a.csv").write_text("id\n9\n")
    (lake / "data" / "month=2" / "a.csv").unlink()

    with pytest.raises(DataError) as caught:
        verify(lake, taken)

    assert "month=1/a.csv (changed), data/month=2/a.csv (gone)" in caught.value.what
    assert "month=10" not in caught.value.what


def test_an_unchanged_file_is_not_read_again(quiet):
    """A second snapshot only looks at sizes and times."""
    before = pinned(quiet)
    seen = quiet / ".sealift" / "digests" / "lake.json"
    marked = msgspec.json.decode(seen.read_bytes())
    for row in marked.values():
        row[-1] = "sha256:" + "0" * 64
    seen.write_bytes(msgspec.json.encode(marked))

    after = pinned(quiet)

    assert {entry.digest for entry in after.entries} == {"sha256:" + "0" * 64}
    assert [entry.path for entry in after.entries] == [entry.path for entry in before.entries]


def test_a_file_changed_in_place_with_its_old_size_and_time_is_read_again(quiet):
    """The time of status change cannot be set back, so such a change is seen."""
    file = quiet / "data" / "month=1" / "a.csv"
    before, status = pinned(quiet), file.stat()
    assert (quiet / ".sealift" / "digests" / "lake.json").exists()
    file.write_text("id\n7\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert (file.stat().st_mtime_ns, file.stat().st_size) == (status.st_mtime_ns, status.st_size)
    assert pinned(quiet).digest != before.digest


def test_a_folder_that_cannot_be_written_costs_only_the_memory(quiet):
    """The digests are right all the same."""
    (quiet / ".sealift").mkdir()
    (quiet / ".sealift" / "digests").write_text("a file where the folder should be")

    assert pinned(quiet) == pinned(quiet)


def test_a_file_written_a_moment_ago_is_not_remembered(lake):
    """A second change in the same tick of the clock would go unseen."""
    pinned(lake)

    assert not (lake / ".sealift" / "digests" / "lake.json").exists()


def test_a_damaged_memory_is_forgotten(lake):
    """It only costs the time to read the files again."""
    before = pinned(lake)
    folder = lake / ".sealift" / "digests"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lake.json").write_bytes(b'{"half": [')

    assert pinned(lake) == before


def test_an_unreadable_file_is_named(tmp_path):
    """The file that vanishes between finding and reading is named, not traced."""
    with pytest.raises(DataError) as caught:
        memory.Memory(tmp_path / "m.json").look(tmp_path / "gone.csv")

    assert caught.value.where == str(tmp_path / "gone.csv")
