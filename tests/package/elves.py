"""ELF files written by hand: as small as the dynamic linker takes them."""

import struct

MACHINES = {"amd64": 62, "arm64": 183}
_DYN = {"NEEDED": 1, "SONAME": 14, "RPATH": 15, "RUNPATH": 29}
_HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT = 4, 5, 6, 10, 11
_VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM, _FLAGS_1 = (
    *(0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF),
    0x6FFFFFFB,
)
_VERSYM = 0x6FFFFFF0
_START = 0x200


class _Strings:
    def __init__(self):
        self.table = b"\0"

    def add(self, text):
        """Where a text is in the table."""
        at = len(self.table)
        self.table += text.encode() + b"\0"
        return at


def _hash(text):
    """The System V hash of a symbol's name."""
    value = 0
    for byte in text.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


def _needs(wants, strings):
    """The table of versions needed: {library: [version, ...]}; a weak one ends in ``?``."""
    made = b""
    for number, (library, versions) in enumerate(wants.items()):
        size = 16 + 16 * len(versions)
        following = size if number + 1 < len(wants) else 0
        made += struct.pack("<HHIII", 1, len(versions), strings.add(library), 16, following)
        for index, version in enumerate(versions):
            name, last = version.rstrip("?"), index + 1 == len(versions)
            flags = 2 if version.endswith("?") else 0
            place = strings.add(name)
            made += struct.pack("<IHHII", _hash(name), flags, index + 2, place, 0 if last else 16)
    return made


def _definitions(names, strings):
    made = b""
    for index, name in enumerate(names):
        following = 0 if index + 1 == len(names) else 28
        made += struct.pack("<HHHHIII", 1, 0, index + 1, 1, _hash(name), 20, following)
        made += struct.pack("<II", strings.add(name), 0)
    return made


def library(
    *needed,
    soname="",
    rpath="",
    runpath="",
    wants=None,
    defines=(),
    interpreter="",
    machine="amd64",
    kind=3,
    nodefaults=False,
):
    """A shared library, or with an ``interpreter`` a program, that holds nothing but its needs."""
    strings = _Strings()
    tags = [(_DYN["NEEDED"], strings.add(name)) for name in needed]
    for name, text in (("SONAME", soname), ("RPATH", rpath), ("RUNPATH", runpath)):
        tags += [(_DYN[name], strings.add(text))] if text else []
    tables = {_VERNEED: _needs(wants or {}, strings), _VERDEF: _definitions(defines, strings)}
    start = interpreter.encode() + b"\0"
    place = _START + len(start) + -len(start) % 16
    body = {
        _HASH: struct.pack("<IIII", 1, 1, 0, 0),
        _SYMTAB: b"\0" * 24,
        **({_VERSYM: b"\0\0"} if wants or defines else {}),
        **{tag: table for tag, table in tables.items() if table},
        _STRTAB: strings.table,
    }
    content = b""
    for tag, table in body.items():
        content += b"\0" * (-len(content) % 16)
        tags.append((tag, place + len(content)))
        content += table
    tags += [(_STRSZ, len(strings.table)), (_SYMENT, 24)]
    tags += [(_VERNEEDNUM, len(wants))] if wants else []
    tags += [(_VERDEFNUM, len(defines))] if defines else []
    tags += [(_FLAGS_1, 0x800)] if nodefaults else []
    content += b"\0" * (-len(content) % 16)
    dynamic = place + len(content)
    listed = b"".join(struct.pack("<QQ", *tag) for tag in [*tags, (0, 0)])
    whole = dynamic + len(listed)
    segments = [(1, 6, 0, whole), (2, 6, dynamic, len(listed))]
    segments += [(3, 4, _START, len(start))] if interpreter else []
    header = b"\x7fELF" + bytes((2, 1, 1)) + b"\0" * 9
    header += struct.pack(
        *("<HHIQQQIHHHHHH", kind, MACHINES[machine], 1, 0, 64, 0, 0),
        *(64, 56, len(segments), 64, 0, 0),
    )
    for form, flags, offset, size in segments:
        header += struct.pack("<IIQQQQQQ", form, flags, offset, offset, offset, size, size, 0x1000)
    head = header.ljust(_START, b"\0") + start
    return head.ljust(place, b"\0") + content + listed
