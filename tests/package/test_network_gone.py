"""What mirrors no longer have comes from an archive; offline, everything missing is named."""

import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from network_builds import builder

from network_servers import Files, Proxy
from programs import needs
from sealift import process
from sealift.errors import OfflineError, SourceError
from sealift.package import uv

SERVICE = "mr/binary/{name}/{version}"


@pytest.fixture
def locked(near, archive, wheels):
    """A project with a lock whose mirror has replaced libc6 and dash; the settings; their files."""
    settings = {"mirror": archive.uri, "index": f"file://{wheels}"}
    builder(near, **settings)[0].lock()
    old = archive.folder.with_name("old")
    for name in ("libc6_2.41-12_amd64.deb", "dash_1.0_amd64.deb"):
        (old / "pool").mkdir(parents=True, exist_ok=True)
        (archive.folder / "pool" / name).rename(old / "pool" / name)
    return near, settings, old


def test_what_a_mirror_has_replaced_comes_from_the_archive_of_old_packages(locked):
    """From the folders of a day's mirror; the mirror is still asked first."""
    root, settings, old = locked
    site = old.with_name("site")
    site.mkdir()
    (site / "debian").symlink_to(old)
    with Files(site) as server:
        snapshot = f"{server.url}/{{archive}}"

        assert builder(root, snapshot=snapshot, **settings)[0].step_image()

    assert sorted(line.split()[1] for line in server.seen) == [
        "/debian/pool/dash_1.0_amd64.deb",
        "/debian/pool/libc6_2.41-12_amd64.deb",
    ]


def test_the_archive_may_be_a_service_that_names_files_by_their_digest(locked, tmp_path):
    """As Debian's archive of snapshots does: a package's files by processor, each by its SHA-1."""
    root, settings, old = locked
    site = tmp_path / "service"
    (site / "file").mkdir(parents=True)
    for number, path in enumerate((old / "pool").iterdir()):
        name, version, _ = path.stem.split("_")
        found = site / SERVICE.format(name=name, version=version)
        found.mkdir(parents=True)
        names = [("b" * 40, "arm64"), (f"{number}" * 40, "amd64")]
        files = [{"hash": digest, "architecture": arch} for digest, arch in names]
        (found / "binfiles").write_text(json.dumps({"package": name, "result": files}))
        shutil.copy(path, site / "file" / (f"{number}" * 40))
    with Files(site) as server:
        assert builder(root, snapshot=server.url, **settings)[0].step_image()

    assert {f"GET /file/{digit * 40} HTTP/1.1" for digit in "01"} < set(server.seen)


def test_an_epoch_in_a_version_is_escaped_for_the_service(near, archive, wheels, tmp_path):
    """Colons and plus signs would mean something else in an address."""
    settings = {"mirror": archive.uri, "index": f"file://{wheels}"}
    archive.stanzas["trixie"] = [
        one.replace("Version: 1.0", "Version: 2:1.0+b1") if "Package: tzdata\n" in one else one
        for one in archive.stanzas["trixie"]
    ]
    archive.publish()
    lock = builder(near, **settings)[0].lock()
    assert "2:1.0+b1" in {deb.version for deb in lock.base}
    (archive.folder / "pool/tzdata_1.0_amd64.deb").unlink()

    with Files(tmp_path / "none") as server, pytest.raises(SourceError, match="tzdata"):
        builder(near, snapshot=server.url, **settings)[0].step_image()

    asked = [line.split()[1] for line in server.seen if "/mr/" in line]
    assert asked == ["/mr/binary/tzdata/2%3A1.0%2Bb1/binfiles"]
    assert unquote(asked[0]).split("/")[4] == "2:1.0+b1"


@pytest.mark.parametrize("archived", [False, True])
def test_what_is_gone_everywhere_is_named_with_the_ways_out(locked, tmp_path, archived):
    """Every package with its version, and nothing that is there."""
    root, settings, _ = locked
    (tmp_path / "none").mkdir()
    snapshot = {"snapshot": f"file://{tmp_path}/none"} if archived else {}

    with pytest.raises(SourceError, match="no longer has 1 of the locked packages") as caught:
        builder(root, **settings, **snapshot)[0].step_image()

    assert "libc6 2.41-12" in caught.value.what
    assert "tzdata" not in caught.value.what
    assert ("nor has the archive" in caught.value.what) is archived
    for way in ("network.snapshot", "SEALIFT_CACHE", "delete sealift.lock"):
        assert way in caught.value.remedy


def test_what_is_gone_and_what_cannot_be_asked_for_are_told_apart(locked):
    """Here the mirror has lost one, and gives another one out with other bytes."""
    root, settings, _ = locked
    path = Path(settings["mirror"].removeprefix("file://")) / "pool/tzdata_1.0_amd64.deb"
    path.write_bytes(b"evil")

    with pytest.raises(SourceError, match="digest") as caught:
        builder(root, **settings)[0].step_image()

    assert "cannot be downloaded: tzdata 1.0. Gone from the mirror: libc6 2.41-12." in str(
        caught.value
    )


def test_another_file_under_the_name_of_an_old_package_is_refused(locked):
    """The lock has the digest: an archive need not be trusted."""
    root, settings, old = locked
    (old / "pool/libc6_2.41-12_amd64.deb").write_bytes(b"evil")

    with pytest.raises(SourceError, match="digest"):
        builder(root, snapshot=f"file://{old}", **settings)[0].step_image()


def test_offline_every_missing_file_is_named_at_once(near, archive, wheels, tmp_path):
    """Of Debian and of the index, for all layers; what is in the caches is not."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "debian").symlink_to(archive.folder)
    (site / "simple").symlink_to(wheels)
    with Files(site) as files, Proxy(dict.fromkeys(("m.example", "i.example"), files.port)) as way:
        far = {"mirror": "http://m.example/debian", "index": "http://i.example/simple"}
        far["proxy"] = way.url
        build, _ = builder(near, **far)
        build.step_image()
        lock = build.lock()
        asked = len(way.seen)
        shutil.rmtree(near / ".sealift")
        for deb in (*lock.base, *lock.shell):
            if deb.name in ("dash", "tzdata"):
                (tmp_path / "cache/debs" / deb.sha256[:2] / deb.sha256).unlink()
        process.run([uv._program(), "cache", "clean", "--quiet", "forest", "onnxruntime"])

        with pytest.raises(OfflineError, match="switched off") as caught:
            builder(near, offline=True, **far)[0].step_image()

    assert len(way.seen) == asked
    missing = {"dash 1.0", "tzdata 1.0", "forest==1.0", "onnxruntime==1.23"}
    assert set(caught.value.lacks) == missing
    assert all(name in caught.value.what for name in caught.value.lacks)
    assert "SEALIFT_CACHE" in caught.value.remedy


def test_offline_without_a_lock_says_that_a_lock_is_wanted(near, monkeypatch):
    """And how to get it beforehand."""
    monkeypatch.setenv("SEALIFT_OFFLINE", "1")
    settings = {"mirror": "http://mirror.example", "index": "http://index.example/simple"}

    with pytest.raises(OfflineError, match="Packages have to be chosen") as caught:
        builder(near, **settings)[0].lock()

    assert "sealift.lock" in caught.value.remedy
    assert caught.value.where == "http://mirror.example/dists/trixie/InRelease"


def test_offline_this_machine_is_still_asked(near, archive, wheels):
    """Folders are, and servers on the loopback."""
    with Files(archive.folder) as mirror:
        settings = {"mirror": mirror.url, "index": f"file://{wheels}"}
        assert builder(near, offline=True, **settings)[0].step_image()

    assert mirror.seen


BUILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from network_builds import builder
build, talk = builder(Path(sys.argv[1]), mirror=sys.argv[2], index=sys.argv[3])
print(build.step_image().digest)
"""


@pytest.mark.parametrize("said", ["", "1"])
def test_with_a_lock_and_warm_caches_no_connection_is_needed(near, archive, wheels, said):
    """In a network namespace without interfaces, whether it was told to be offline or not."""
    needs("unshare")
    with Files(archive.folder) as mirror, Files(wheels) as index:
        image = builder(near, mirror=mirror.url, index=index.url)[0].step_image()
        shutil.rmtree(near / ".sealift")
        here = Path(__file__).parent
        words = ["unshare", "--map-root-user", "--net", sys.executable, "-c", BUILD, near]
        words += [mirror.url, index.url, here, here.parent]

        done = process.run(words, env={**os.environ, "SEALIFT_OFFLINE": said})

    assert done.text == image.digest, done.stderr.decode()
