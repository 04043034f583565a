"""What the dynamic linker reads of an ELF file, and nothing else of it.

Formats: System V ABI, chapters 4 and 5 (object files, dynamic linking); Linux Standard Base,
"Symbol Versioning". Everything is found through the program headers, as the dynamic linker finds
it; sections may be missing or wrong. Every table is bounded, so that a damaged file costs no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any, Literal

import msgspec
from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.elf.structs import ELFStructs

MAGIC = b"\x7fELF"
_MOST_SEGMENTS = 512
_MOST_TAGS = 4096
_MOST_VERSIONS = 4096
_LONGEST = 4096
_VERSION_IS_WEAK = 2
_NO_DEFAULT_FOLDERS = 0x800
_SMALLEST_HEADER = 52
_BITS = {1: 32, 2: 64}
_LITTLE = {1: True, 2: False}
_Kind = Literal["library", "program", "other"]
_KINDS: dict[str, _Kind] = {"ET_DYN": "library", "ET_EXEC": "program"}


class DamagedError(ValueError):
    """The file begins like ELF, and cannot be read as that."""


class Elf(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: for whom it is, what it needs and what it offers.

    ``machine`` is the name of its processor in the format, such as ``EM_X86_64``. ``rpath`` and
    ``runpath`` are as they stand in the file. ``wants`` holds the symbol versions that it needs of
    a library by the library's name, ``defines`` those that it has itself.
    """

    machine: str
    bits: int
    kind: _Kind
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    wants: dict[str, tuple[str, ...]] = {}
    defines: tuple[str, ...] = ()
    defaults: bool = True


def read(stream: IO[bytes]) -> Elf:
    """Read a file that can be sought in. Raises ``DamagedError``, and nothing else, for bad ones.

    >>> import io
    >>> read(io.BytesIO(b"\\x7fELF"))
    Traceback (most recent call last):
    ...
    sealift.package.elf.DamagedError: its header is cut off
    """
    try:
        return _File(stream).facts()
    except (ELFError, UnicodeDecodeError, ValueError, OverflowError, OSError) as error:
        if isinstance(error, DamagedError):
            raise
        reason = "its header is cut off" if _short(stream) else "its tables are damaged"
        raise DamagedError(reason) from error
    except (AttributeError, KeyError, TypeError, AssertionError) as error:
        # what the reader of structures meets in headers that make no sense
        raise DamagedError("its header is damaged") from error


def _short(stream: IO[bytes]) -> bool:
    return stream.seek(0, 2) < _SMALLEST_HEADER


def _identity(stream: IO[bytes]) -> tuple[int, bool]:
    """The word size of a file, and whether its least significant byte comes first."""
    stream.seek(0)
    head = stream.read(len(MAGIC) + 2)
    if len(head) < len(MAGIC) + 2:
        raise DamagedError("its header is cut off")
    try:
        return _BITS[head[-2]], _LITTLE[head[-1]]
    except KeyError as error:
        raise DamagedError("its tables are damaged") from error


@lru_cache(maxsize=64)
def _structs(bits: int, little: bool, known: tuple[Any, ...] | None) -> Any:
    """The format's structures; ``known`` are type, machine and system, once they are read.

    They are the same for all libraries of an image, and take longer to make than to use.
    """
    made = ELFStructs(little_endian=little, elfclass=bits)
    made.create_basic_structs()
    if known is not None:
        made.create_advanced_structs(*known)
    return made


class _File:
    """A file whose header has been read, and the tables that its program headers lead to."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._bits, little = _identity(stream)
        plain = _structs(self._bits, little, None)
        self._header = self._parse(plain.Elf_Ehdr, 0)
        known = [self._header["e_type"], self._header["e_machine"]]
        known.append(self._header["e_ident"]["EI_OSABI"])
        self._structs = _structs(self._bits, little, tuple(known))
        self._segments = list(self._headers())
        self._tags = dict[str, list[int]]()

    def facts(self) -> Elf:
        """All of it as a record."""
        self._tags = self._dynamic()
        paths = {tag: tuple(self._path(tag)) for tag in ("DT_RPATH", "DT_RUNPATH")}
        return Elf(
            machine=str(self._header["e_machine"]),
            bits=self._bits,
            kind=_KINDS.get(str(self._header["e_type"]), "other"),
            interpreter=self._interpreter(),
            soname=next(self._strings("DT_SONAME"), ""),
            needed=tuple(self._strings("DT_NEEDED")),
            # a linker that finds both counts the newer one only
            rpath=() if paths["DT_RUNPATH"] else paths["DT_RPATH"],
            runpath=paths["DT_RUNPATH"],
            wants=self._wants(),
            defines=tuple(self._defines()),
            defaults=not any(v & _NO_DEFAULT_FOLDERS for v in self._tags.get("DT_FLAGS_1", ())),
        )

    def _parse(self, struct: Any, offset: int) -> Any:
        return struct_parse(struct, self._stream, stream_pos=offset)

    def _headers(self) -> Iterator[Any]:
        header = self._header
        if header["e_phnum"] > _MOST_SEGMENTS:
            raise DamagedError("it has more segments than any program")
        for number in range(header["e_phnum"]):
            offset = header["e_phoff"] + number * header["e_phentsize"]
            yield self._parse(self._structs.Elf_Phdr, offset)

    def _dynamic(self) -> dict[str, list[int]]:
        """The values of the dynamic section by tag."""
        found: dict[str, list[int]] = {}
        size = self._structs.Elf_Dyn.sizeof()
        for segment in self._segments:
            if segment["p_type"] != "PT_DYNAMIC":
                continue
            for number in range(min(segment["p_filesz"] // size, _MOST_TAGS)):
                tag = self._parse(self._structs.Elf_Dyn, segment["p_offset"] + number * size)
                if tag["d_tag"] == "DT_NULL":
                    break
                found.setdefault(str(tag["d_tag"]), []).append(tag["d_val"])
        return found

    def _interpreter(self) -> str:
        for segment in self._segments:
            if segment["p_type"] == "PT_INTERP":
                return self._text(segment["p_offset"])
        return ""

    def _strings(self, tag: str) -> Iterator[str]:
        for offset in self._tags.get(tag, ()):
            yield self._string(offset)

    def _path(self, tag: str) -> Iterator[str]:
        for text in self._strings(tag):
            yield from filter(None, text.split(":"))

    def _string(self, offset: int) -> str:
        """A string of the dynamic string table."""
        size = self._tags.get("DT_STRSZ", [_LONGEST])[0]
        if offset >= size:
            raise DamagedError("a name lies outside of its table")
        return self._text(self._place("DT_STRTAB") + offset)

    def _text(self, offset: int) -> str:
        self._stream.seek(offset)
        text, end, _ = self._stream.read(_LONGEST).partition(b"\0")
        if not end:
            raise DamagedError("a name does not end")
        return text.decode()

    def _place(self, tag: str) -> int:
        """Where in the file a table lies whose address in memory is the value of a tag."""
        address = self._tags.get(tag, [-1])[0]
        for segment in self._segments:
            start = segment["p_vaddr"]
            if segment["p_type"] == "PT_LOAD" and start <= address < start + segment["p_filesz"]:
                return int(address - start + segment["p_offset"])
        raise DamagedError("a table lies outside of the file")

    def _wants(self) -> dict[str, tuple[str, ...]]:
        """The versions needed of each library; those marked as weak may be missing."""
        found: dict[str, tuple[str, ...]] = {}
        for entry, parts in self._versions("DT_VERNEED", "vn", "vna"):
            library = self._string(entry["vn_file"])
            names = [
                self._string(part["vna_name"])
                for part in parts
                if not part["vna_flags"] & _VERSION_IS_WEAK
            ]
            found[library] = (*found.get(library, ()), *names)
        return found

    def _defines(self) -> Iterator[str]:
        for _, parts in self._versions("DT_VERDEF", "vd", "vda"):
            # the first name is the version's own, further ones are those it follows
            yield from (self._string(part["vda_name"]) for part in parts[:1])

    def _versions(self, tag: str, outer: str, inner: str) -> Iterator[tuple[Any, list[Any]]]:
        """The entries of a table of versions, each with its parts."""
        structs = {
            "DT_VERNEED": (self._structs.Elf_Verneed, self._structs.Elf_Vernaux),
            "DT_VERDEF": (self._structs.Elf_Verdef, self._structs.Elf_Verdaux),
        }[tag]
        count = self._tags.get(f"{tag}NUM", [0])[0]
        left = _MOST_VERSIONS
        offset = self._place(tag) if count else 0
        for _ in range(count):
            entry = self._parse(structs[0], offset)
            left -= 1 + entry[f"{outer}_cnt"]
            if left < 0:
                raise DamagedError("it has more versions than any library")
            at = offset + entry[f"{outer}_aux"]
            parts = []
            for _ in range(entry[f"{outer}_cnt"]):
                parts.append(self._parse(structs[1], at))
                at += parts[-1][f"{inner}_next"]
            yield entry, parts
            offset += entry[f"{outer}_next"]


__all__ = ["MAGIC", "DamagedError", "Elf", "read"]
