"""Packages of rpm in images of others: read from its database, without rpm."""

import sqlite3
import struct

import pytest

from sealift.package import bom, whole
from sealift.package.contents import Contents
from sealift.package.rpms import PLACES, Rpm, installed

NUMBERS = {"name": 1000, "version": 1001, "release": 1002, "epoch": 1003, "licence": 1014}
NUMBERS |= {"arch": 1022, "source": 1044}
CURL = {"name": "curl", "version": "8.9", "release": "1.fc41", "epoch": 2, "arch": "x86_64"}
CURL |= {"licence": "MIT AND curl", "source": "curl-8.9-1.fc41.src.rpm"}
BASH = {"name": "bash", "version": "5.2", "release": "3.fc41", "licence": "GPLv3+"}
KEY = {"name": "gpg-pubkey", "version": "105ef944", "release": "65ca83d1"}


def header(fields):
    """A header in rpm's format: the index of its tags, then their data."""
    index, data = b"", b""
    for name, value in fields.items():
        data += b"\0" * (-len(data) % 4)
        kind, bytes_ = (4, struct.pack(">I", value)) if isinstance(value, int) else (6, b"")
        index += struct.pack(">iIiI", NUMBERS[name], kind, len(data), 1)
        data += bytes_ or value.encode() + b"\0"
    return struct.pack(">II", len(fields), len(data)) + index + data


def database(root, blobs, place=PLACES[0]):
    """The database of an image's root folder, as SQLite leaves it while others may read."""
    path = root / place
    path.parent.mkdir(parents=True)
    opened = sqlite3.connect(path)
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    opened.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in blobs])
    opened.commit()
    return opened  # open: what was written last is not in the file itself yet


@pytest.mark.parametrize("place", PLACES)
def test_packages_are_read_wherever_a_distribution_lists_them(tmp_path, place):
    """In order, without the keys that stand among them; with what is still in SQLite's log."""
    with database(tmp_path, [header(CURL), header(KEY), header(BASH)], place):
        found = installed(tmp_path)
    assert found == (Rpm(**BASH), Rpm(**CURL))


def test_the_bill_names_them_as_scanners_do(tmp_path):
    """With the distribution, the epoch, the source, and the licence where it is an expression."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID="fedora"\nVERSION_ID=41\n')
    with database(tmp_path, [header(CURL), header(BASH)]):
        seen = whole.look(tmp_path)
    assert seen.unread == ()
    bash, curl = bom.red([(None, seen.contents)])
    assert curl["purl"] == (
        "pkg:rpm/fedora/curl@8.9-1.fc41"
        "?arch=x86_64&distro=fedora-41&epoch=2&upstream=curl-8.9-1.fc41.src.rpm"
    )
    assert curl["licenses"] == [{"expression": "MIT AND curl"}]
    assert bash["licenses"] == [{"license": {"name": "GPLv3+"}}]


@pytest.mark.parametrize(
    "blob", [b"", b"\0" * 7, header(CURL)[:-9], struct.pack(">II", 1 << 30, 1 << 30), header({})]
)
def test_a_damaged_list_is_named_as_not_read(tmp_path, blob):
    """Rather than half of it taken for the whole."""
    with database(tmp_path, [header(BASH), blob]):
        assert whole.look(tmp_path).unread == ("rpm",)
        assert whole.look(tmp_path).contents == Contents()


def test_a_list_in_another_format_is_named_as_not_read(tmp_path):
    """Such as the databases before SQLite's."""
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm/Packages").write_bytes(b"\0" * 4096)
    assert whole.look(tmp_path).unread == ("rpm",)
    (tmp_path / PLACES[0]).write_bytes(b"no database" * 100)
    assert whole.look(tmp_path).unread == ("rpm",)


def test_no_link_out_of_the_image_is_followed(tmp_path):
    """It would tell of the packages of this machine."""
    with database(tmp_path / "outside", [header(CURL)]):
        (tmp_path / "root/var/lib").mkdir(parents=True)
        (tmp_path / "root/var/lib/rpm").symlink_to(tmp_path / "outside/var/lib/rpm")
        assert installed(tmp_path / "root") is None
