"""What every store does.

An adapter's tests inherit the suite and say how to make a store, in an empty folder of its own.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import zstandard

from sealift import archive, digest
from sealift.archive import Entry
from sealift.errors import DataError, IntegrityError, NotFoundError, SealiftError, UsageError
from sealift.ports import Store
from sealift.record.image import (
    CONFIG,
    EMPTY,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    Descriptor,
    Manifest,
)
from sealift.types import Digest

ABSENT = Digest("sha256:" + "0" * 64)


def artifact(
    store: Store, kind: str, subject: Descriptor | None = None, body: bytes = b"x"
) -> Descriptor:
    """Put an artifact of this type with one blob into a store."""
    manifest = Manifest(
        artifact_type=kind,
        config=store.put(b"{}", EMPTY),
        layers=(store.put(body, "text/plain"),),
        subject=subject,
        annotations={"kind": kind},
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)


def tar(entries: Iterable[Entry]) -> bytes:
    """The tar of entries."""
    return b"".join(archive.pack(entries))


def image(store: Store, *layers: tuple[str, bytes]) -> Digest:
    """Put an image of these layers, each a media type and an uncompressed tar."""
    forms: dict[str, Callable[[bytes], bytes]] = {
        LAYER: bytes,
        LAYER_GZIP: gzip.compress,
        LAYER_ZSTD: zstandard.compress,
    }
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest.of_bytes(plain) for _, plain in layers]},
    }
    manifest = Manifest(
        config=store.put(msgspec.json.encode(config), CONFIG),
        layers=tuple(store.put(forms[kind](plain), kind) for kind, plain in layers),
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST).digest


def refusal(act: Callable[..., object], *arguments: object) -> SealiftError:
    """The error that a call ends with; an assertion fails when it ends well."""
    try:
        act(*arguments)
    except SealiftError as error:
        return error
    raise AssertionError("nothing was refused")


class StoreSuite:
    """What every store does."""

    def store(self, folder: Path) -> Store:
        """An empty store that may keep files in the folder."""
        raise TypeError(f"{type(self).__name__} does not say how to make its store in {folder}.")

    def test_a_blob_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """From bytes and from a stream, under the same address."""
        store = self.store(tmp_path)
        kept = store.put(b"hello", "text/plain")
        assert kept == store.put(io.BytesIO(b"hello"), "text/plain")
        assert kept == Descriptor(
            media_type="text/plain", digest=digest.of_bytes(b"hello"), size=len(b"hello")
        )
        assert store.has(kept.digest)
        with store.open(kept.digest) as stream:
            assert (stream.read(2), stream.read()) == (b"he", b"llo")

    def test_a_finished_file_is_taken_as_a_blob(self, tmp_path: Path) -> None:
        """It is moved, and checked like any other when it is read."""
        store = self.store(tmp_path)
        store.root.mkdir(parents=True, exist_ok=True)
        sound, wrong = store.root / "sound", store.root / "wrong"
        for file in (sound, wrong):
            file.write_bytes(b"hello")
        store.adopt(sound, digest.of_bytes(b"hello"))
        store.adopt(wrong, digest.of_bytes(b"other"))
        assert not sound.exists()
        assert not wrong.exists()
        with store.open(digest.of_bytes(b"hello")) as stream:
            assert stream.read() == b"hello"
        assert isinstance(
            refusal(lambda: store.open(digest.of_bytes(b"other")).read()), IntegrityError
        )

    def test_a_blob_that_is_not_here_is_not_found(self, tmp_path: Path) -> None:
        """Asking is fine, reading is an error."""
        store = self.store(tmp_path)
        assert not store.has(ABSENT)
        for act in (store.open, store.manifest, store.tree, store.rootfs):
            assert isinstance(refusal(act, ABSENT), NotFoundError)

    def test_a_manifest_is_found_by_name_digest_and_beginning(self, tmp_path: Path) -> None:
        """A beginning has 12 digits or more, with or without the algorithm."""
        store = self.store(tmp_path)
        kept = artifact(store, "a/b")
        store.tag("model:1", kept)
        store.tag("model:latest", kept)
        digits = kept.digest.removeprefix("sha256:")
        for reference in ("model:1", "model:latest", kept.digest, digits, digits[:12]):
            assert store.resolve(reference) == kept

    def test_a_name_that_is_not_there_is_answered_with_the_nearest(self, tmp_path: Path) -> None:
        """So that a slip of the keyboard is seen."""
        store = self.store(tmp_path)
        store.tag("flights:1", artifact(store, "a/b"))
        error = refusal(store.resolve, "flihgts:1")
        assert isinstance(error, NotFoundError)
        assert "flights:1" in error.remedy

    def test_names_that_are_not_near_are_not_called_so(self, tmp_path: Path) -> None:
        """The remedy lists what there is, or says that there is nothing."""
        store = self.store(tmp_path)
        assert "no names yet" in refusal(store.resolve, "1234").remedy
        for number in range(1, 5):
            store.tag(f"flights:{number}", artifact(store, f"a/{number}"))
        remedy = refusal(store.resolve, "1234").remedy
        assert "earest" not in remedy
        assert "flights:1" in remedy
        assert "flights:4" in remedy

    def test_a_name_moves(self, tmp_path: Path) -> None:
        """The manifest that loses it is still there by its digest."""
        store = self.store(tmp_path)
        old, new = artifact(store, "a/b"), artifact(store, "a/c")
        store.tag("model:latest", old)
        store.tag("model:latest", new)
        assert store.resolve("model:latest") == new
        assert store.resolve(old.digest) == old

    def test_a_name_needs_a_manifest_and_a_fit_form(self, tmp_path: Path) -> None:
        """Neither a manifest that is not here nor a name that no tool can read."""
        store = self.store(tmp_path)
        nowhere = Descriptor(media_type=MANIFEST, digest=ABSENT, size=1)
        assert isinstance(refusal(store.tag, "model:1", nowhere), NotFoundError)
        kept = artifact(store, "a/b")
        for name in ("", "/a", "a b", "a:"):
            assert isinstance(refusal(store.tag, name, kept), UsageError)

    def test_a_manifest_is_read_as_a_record(self, tmp_path: Path) -> None:
        """What is no manifest is refused."""
        store = self.store(tmp_path)
        kept = artifact(store, "a/b")
        assert store.manifest(kept.digest).annotations == {"kind": "a/b"}
        other = store.put(b"[]", "text/plain")
        assert isinstance(refusal(store.manifest, other.digest), IntegrityError)

    def test_referrers_are_listed_oldest_first_and_by_type(self, tmp_path: Path) -> None:
        """With their type and annotations; putting one again changes nothing."""
        store = self.store(tmp_path)
        subject = artifact(store, "a/model")
        first = artifact(store, "a/report", subject, b"1")
        artifact(store, "a/signature", subject, b"2")
        last = artifact(store, "a/report", subject, b"3")
        artifact(store, "a/report", first, b"4")
        artifact(store, "a/report", subject, b"1")
        reports = store.referrers(subject.digest, "a/report")
        assert [found.digest for found in reports] == [first.digest, last.digest]
        assert reports[0].annotations == {"kind": "a/report"}
        kinds = [found.artifact_type for found in store.referrers(subject.digest)]
        assert kinds == ["a/report", "a/signature", "a/report"]
        assert store.referrers(ABSENT) == []

    def test_a_referrer_with_a_name_is_still_a_referrer(self, tmp_path: Path) -> None:
        """Listed once, also when the name is taken from it."""
        store = self.store(tmp_path)
        subject = artifact(store, "a/model")
        report = artifact(store, "a/report", subject)
        store.tag("report", report)
        assert [found.digest for found in store.referrers(subject.digest)] == [report.digest]
        store.tag("report", subject)
        assert [found.digest for found in store.referrers(subject.digest)] == [report.digest]

    def test_a_forgotten_referrer_is_listed_no_more(self, tmp_path: Path) -> None:
        """Its content stays, the others stay, and it may be put again."""
        store = self.store(tmp_path)
        subject = artifact(store, "a/model")
        first = artifact(store, "a/report", subject, b"1")
        last = artifact(store, "a/report", subject, b"2")
        store.tag("first", first)
        store.forget(first.digest)
        store.forget(ABSENT)
        assert [found.digest for found in store.referrers(subject.digest)] == [last.digest]
        assert isinstance(refusal(store.resolve, "first"), NotFoundError)
        assert store.has(first.digest)
        artifact(store, "a/report", subject, b"1")
        again = store.referrers(subject.digest)
        assert [found.digest for found in again] == [last.digest, first.digest]

    def test_a_tree_comes_back_whole(self, tmp_path: Path) -> None:
        """Contents, empty folders, execute bits, links inside; and it is not to be written."""
        store = self.store(tmp_path / "store")
        root = tmp_path / "tree"
        (root / "sub" / "empty").mkdir(parents=True)
        (root / "sub" / "ünï").write_text("text")
        (root / "run").write_text("#!/bin/sh")
        (root / "run").chmod(0o750)
        (root / ("long" * 40)).write_text("")
        (root / "link").symlink_to("sub/ünï")
        found = store.tree(store.put_tree(root))
        assert digest.of_tree(found) == digest.of_tree(root)
        assert (found / "sub" / "empty").is_dir()
        assert (found / "link").read_text() == "text"
        assert os.access(found / "run", os.X_OK)
        assert not (found / "run").stat().st_mode & 0o222

    def test_what_was_unpacked_can_be_deleted_by_its_owner(self, tmp_path: Path) -> None:
        """By any program: all folders can be written, though files cannot."""
        store = self.store(tmp_path / "store")
        (tmp_path / "tree" / "sub").mkdir(parents=True)
        (tmp_path / "tree" / "sub" / "file").write_text("text")
        (tmp_path / "tree" / "sub").chmod(0o555)
        closed = tar([Entry("in", "folder", 0o555), Entry("in/file", "file", 0o444)])
        tree = store.tree(store.put_tree(tmp_path / "tree"))
        root = store.rootfs(image(store, (LAYER, closed)))
        for folder in (tree, tree / "sub", root, root / "in"):
            assert folder.stat().st_mode & 0o700 == 0o700

    def test_equal_trees_have_one_digest(self, tmp_path: Path) -> None:
        """Whatever their times, modes, places and the order they were written in."""
        store = self.store(tmp_path / "store")
        found = set()
        for place, names in (("one", "abc"), ("two", "cba")):
            root = tmp_path / place
            root.mkdir(mode=0o700 if place == "one" else 0o755)
            for number, name in enumerate(names):
                (root / name).write_text(name)
                (root / name).chmod(0o600 + 0o044 * (number % 2))
                os.utime(root / name, (number, number))
            found.add(store.put_tree(root))
        assert len(found) == 1

    def test_a_single_file_is_a_tree(self, tmp_path: Path) -> None:
        """Its name does not count; a folder with one file is another tree."""
        store = self.store(tmp_path / "store")
        (tmp_path / "folder").mkdir()
        for name in ("a", "b", "folder/content"):
            (tmp_path / name).write_text("text")
        kept = store.put_tree(tmp_path / "a")
        assert kept == store.put_tree(tmp_path / "b")
        assert store.tree(kept).read_text() == "text"
        folder = store.put_tree(tmp_path / "folder")
        assert folder != kept
        assert (store.tree(folder) / "content").read_text() == "text"

    def test_a_tree_does_not_lead_out_of_itself(self, tmp_path: Path) -> None:
        """Links to other places, sockets and missing things cannot be kept."""
        store = self.store(tmp_path / "store")
        for number, target in enumerate(("/etc/passwd", "../secret", "a/../../secret")):
            root = tmp_path / str(number)
            root.mkdir()
            (root / "link").symlink_to(target)
            assert isinstance(refusal(store.put_tree, root), DataError)
        (tmp_path / "pipes").mkdir()
        os.mkfifo(tmp_path / "pipes" / "pipe")
        assert isinstance(refusal(store.put_tree, tmp_path / "pipes"), DataError)
        assert isinstance(refusal(store.put_tree, tmp_path / "nothing"), DataError)

    def test_layers_of_all_forms_make_a_root(self, tmp_path: Path) -> None:
        """Plain, gzip and zstd; later ones win; modes and links are kept."""
        store = self.store(tmp_path)
        lower = tar(
            [
                Entry("bin", "folder", 0o755),
                Entry("bin/run", "file", 0o755, b"1"),
                Entry("etc", "folder", 0o755),
                Entry("etc/name", "file", 0o644, b"lower"),
                Entry("tmp", "folder", 0o1777),
            ]
        )
        middle = tar([Entry("lib", "link", 0o777, target="/usr/lib")])
        upper = tar([Entry("etc/name", "file", 0o600, b"upper"), Entry("etc/new", "file")])
        found = store.rootfs(
            image(store, (LAYER, lower), (LAYER_GZIP, middle), (LAYER_ZSTD, upper))
        )
        assert (found / "etc/name").read_text() == "upper"
        assert (found / "etc/name").stat().st_mode & 0o777 == 0o600
        assert (found / "bin/run").stat().st_mode & 0o777 == 0o755
        assert (found / "tmp").stat().st_mode & 0o7777 == 0o1777
        assert str((found / "lib").readlink()) == "/usr/lib"

    def test_whiteouts_hide_what_is_below(self, tmp_path: Path) -> None:
        """One name, a folder, or all of a folder; never what the same layer brings."""
        store = self.store(tmp_path)
        names = ("a/one", "a/two", "b/in/deep", "c/old")
        lower = tar(Entry(name, "file") for name in names)
        marks = ("a/.wh.one", ".wh.b", "c/.wh..wh..opq", "c/new")
        upper = tar(Entry(name, "file") for name in marks)
        found = store.rootfs(image(store, (LAYER, lower), (LAYER, upper)))
        files = [path.relative_to(found).as_posix() for path in digest.walk(found)]
        assert files == ["a/two", "c/new"]

    def test_hard_links_and_repeated_names_are_understood(self, tmp_path: Path) -> None:
        """As archivers write them."""
        store = self.store(tmp_path)
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as made:
            for text in (b"old", b"new"):
                info = tarfile.TarInfo("file")
                info.size = len(text)
                made.addfile(info, io.BytesIO(text))
            info = tarfile.TarInfo("other")
            info.type, info.linkname = tarfile.LNKTYPE, "file"
            made.addfile(info)
        found = store.rootfs(image(store, (LAYER, content.getvalue())))
        assert (found / "file").read_text() == (found / "other").read_text() == "new"


__all__ = ["StoreSuite", "artifact", "image", "refusal", "tar"]
