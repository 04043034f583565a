"""Debian packages are read without dpkg, whatever they are packed with, and damage is noticed."""

import tarfile

import pytest
from archives import ar, deb, tarball

from sealift.errors import PackageError
from sealift.package import base, debs

FILES = {
    "usr/bin/tool": b"#!/bin/sh\n",
    "usr/lib": None,
    "usr/lib/data": b"data",
    "usr/lib/link": ("data",),
}


def write(tmp_path, data):
    """A file with these bytes."""
    path = tmp_path / "package.deb"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", ["xz", "gz", "zst", ""])
def test_a_package_is_read_whatever_it_is_packed_with(tmp_path, pack):
    """Names, kinds, modes, contents, links, and the control file."""
    found = debs.read(write(tmp_path, deb("tool", FILES, pack=pack, control="Essential: yes\n")))
    assert "Essential: yes" in found.control
    items = {item.name: item for item in found.items}
    assert items["usr/lib/data"].content == b"data"
    assert items["usr/lib/link"].target == "data"
    assert items["usr/bin/tool"].mode & 0o111
    assert items["usr/lib"].kind == "folder"


def test_a_hard_link_becomes_a_copy(tmp_path):
    """A layer needs no links between packages."""
    info = tarfile.TarInfo("./usr/bin/other")
    info.type, info.linkname = tarfile.LNKTYPE, "./usr/bin/tool"
    found = debs.read(write(tmp_path, deb("tool", FILES, extra=[info])))
    assert {item.name: item for item in found.items}["usr/bin/other"].content == b"#!/bin/sh\n"


@pytest.mark.parametrize("cut", [0, 4, 60, 100, 250, -1, -100])
def test_a_package_that_is_cut_off_is_refused(tmp_path, cut):
    """Anywhere."""
    with pytest.raises(PackageError):
        debs.read(write(tmp_path, deb("tool", FILES, pack="gz")[:cut]))


def test_what_is_no_package_is_refused(tmp_path):
    """Other archives, other formats, missing parts, unfit members."""
    device = tarfile.TarInfo("./dev/null")
    device.type = tarfile.CHRTYPE
    climber = tarfile.TarInfo("./../etc/passwd")
    for data in (
        b"PK\x03\x04",
        ar([("debian-binary", b"3.0\n")]),
        ar([("debian-binary", b"2.0\n"), ("control.tar", tarball({"control": b""}))]),
        ar([("debian-binary", b"2.0\n"), ("control.tar.lz4", b"x"), ("data.tar", tarball({}))]),
        deb("tool", FILES, extra=[device]),
        deb("tool", FILES, extra=[climber]),
    ):
        with pytest.raises(PackageError):
            debs.read(write(tmp_path, data))


def entries(tmp_path, files, **how):
    """The entries that one package becomes in the lowest layer."""
    package = debs.read(write(tmp_path, deb("tool", files, **how)))
    return {entry.name: entry for entry in base.base_entries({"tool": package}, "3.13")}


def test_files_land_in_the_merged_usr(tmp_path):
    """A package may still name /bin or /lib; the links are made once."""
    files = {"bin/tool": b"#!", "lib": ("usr/lib",), "lib64/ld.so": b"x", "sbin": None}
    found = entries(tmp_path, files)
    assert found["usr/bin/tool"].mode == 0o755
    assert found["usr/lib64/ld.so"].content == b"x"
    for name in ("bin", "sbin", "lib", "lib64"):
        assert (found[name].kind, found[name].target) == ("link", f"usr/{name}")


def test_documentation_goes_and_licences_stay(tmp_path):
    """As scanners and lawyers want it."""
    kept = ("usr/share/doc/tool/copyright", "usr/share/zoneinfo/UTC", "usr/lib/python3/x.py")
    gone = (
        "usr/share/doc/tool/README",
        "usr/share/man/man1/tool.1.gz",
        "usr/share/locale/de/LC_MESSAGES/tool.mo",
        "usr/share/lintian/overrides/tool",
    )
    found = entries(tmp_path, dict.fromkeys((*kept, *gone), b"x"))
    assert set(kept) <= set(found)
    assert not set(gone) & set(found)


def test_each_package_leaves_its_stanza_and_its_sums(tmp_path):
    """One file a package in status.d; sums of the files that are there."""
    found = entries(tmp_path, {"usr/bin/tool": b"#!", "usr/share/man/tool": b"x"})
    assert b"Package: tool\nVersion: 1.0" in found["var/lib/dpkg/status.d/tool"].content
    sums = found["var/lib/dpkg/status.d/tool.md5sums"].content
    assert b"usr/bin/tool" in sums
    assert b"man" not in sums


def test_what_maintainer_scripts_would_do_is_done(tmp_path):
    """Certificates, users, the interpreter's names, places to write; no set-user-id bits."""
    info = tarfile.TarInfo("./usr/bin/su")
    info.mode = 0o4755
    certificates = {f"usr/share/ca-certificates/{name}.crt": name.encode() for name in "BA"}
    found = entries(tmp_path, certificates, extra=[info])
    assert found["etc/ssl/certs/ca-certificates.crt"].content == b"A\nB\n"
    assert b"nonroot:x:65532:65532:" in found["etc/passwd"].content
    assert found["usr/bin/python3"].target == found["usr/bin/python"].target == "python3.13"
    assert found["tmp"].mode == 0o1777
    assert found["usr/bin/su"].mode == 0o755
