"""What is read of ELF files: all that the linker reads, and never a crash on damaged ones."""

import contextlib
import io
import struct
import sys
import sysconfig
from pathlib import Path

import pytest
from elves import library
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.package import elf, ldcache
from sealift.package.elf import DamagedError


def read(data):
    """The facts of a file in memory."""
    return elf.read(io.BytesIO(data))


WHOLE = library(
    *("libb.so.1", "libc.so.6"),
    soname="liba.so.1",
    runpath="$ORIGIN/x:/opt",
    wants={"libc.so.6": ["GLIBC_2.5", "GLIBC_2.41"], "libb.so.1": ["B_1?"]},
    defines=["liba.so.1", "A_1"],
    interpreter="/lib64/ld-linux-x86-64.so.2",
)


def test_everything_the_linker_reads_is_read():
    """Weak versions may be missing, so that they are not wanted."""
    found = read(WHOLE)
    assert found.needed == ("libb.so.1", "libc.so.6")
    assert (found.soname, found.kind, found.machine, found.bits) == (
        *("liba.so.1", "library"),
        *("EM_X86_64", 64),
    )
    assert found.runpath == ("$ORIGIN/x", "/opt")
    assert found.wants == {"libc.so.6": ("GLIBC_2.5", "GLIBC_2.41"), "libb.so.1": ()}
    assert found.defines == ("liba.so.1", "A_1")
    assert found.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert found.defaults
    assert not read(library(nodefaults=True)).defaults
    assert read(library(machine="arm64", kind=2)).machine == "EM_AARCH64"
    assert read(library(kind=2)).kind == "program"
    assert read(library(kind=1)).kind == "other"


def test_an_rpath_beside_a_runpath_does_not_count():
    """As glibc has it."""
    both = read(library(rpath="/a", runpath="/b"))
    assert (both.rpath, both.runpath) == ((), ("/b",))
    assert read(library(rpath="/a:/c")).rpath == ("/a", "/c")


def test_a_file_cut_off_anywhere_is_damaged_or_read():
    """Never anything else."""
    for length in range(4, len(WHOLE)):
        with contextlib.suppress(DamagedError):
            read(WHOLE[:length])
    with pytest.raises(DamagedError, match="cut off"):
        read(WHOLE[:20])
    with pytest.raises(DamagedError):
        read(WHOLE[: len(WHOLE) // 2])


@settings(max_examples=400, deadline=2000)
@given(st.lists(st.tuples(st.integers(4, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_flipped_bytes_never_crash_the_reader_nor_hold_it_up(changes):
    """Whatever the tables then say; the deadline is that of hypothesis."""
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    try:
        read(bytes(data))
    except DamagedError:
        return


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=300))
def test_any_bytes_behind_the_magic_are_judged(data):
    """Random ones too."""
    try:
        read(elf.MAGIC + data)
    except DamagedError:
        return


def test_real_modules_are_read():
    """The interpreter's own and those of an installed wheel: each needs the C library."""
    folders = [sysconfig.get_config_var("DESTSHARED"), Path(sys.prefix) / "lib"]
    found = [path for folder in folders if folder for path in Path(folder).rglob("*.cpython-*.so")]
    assert found
    facts = [elf.read(io.BytesIO(path.read_bytes())) for path in found[:200]]
    assert all(fact.kind == "library" and not fact.interpreter for fact in facts)
    assert any("libc.so.6" in fact.needed for fact in facts)
    assert any("GLIBC_2.2.5" in fact.wants.get("libc.so.6", ()) for fact in facts) or any(
        "GLIBC_2.17" in fact.wants.get("libc.so.6", ()) for fact in facts
    )


def test_the_cache_of_the_linker_is_read_where_it_is_whole():
    """Entries for certain processors do not count; a damaged one is none."""
    texts = b"liba.so\0/lib/a\0libb.so\0/lib/b\0"
    start = 48 + 2 * 24
    entries = struct.pack("<iIIIQ", 0x303, start, start + 8, 0, 0)
    entries += struct.pack("<iIIIQ", 0x303, start + 15, start + 23, 0, 1 << 62)
    cache = b"glibc-ld.so.cache1.1" + struct.pack("<II20x", 2, len(texts)) + entries + texts
    assert ldcache.read(cache) == {"liba.so": "/lib/a"}
    assert ldcache.read(b"ld.so-1.7.0\0" + cache) == {"liba.so": "/lib/a"}
    assert ldcache.read(cache[:100]) == ldcache.read(b"") == {}
