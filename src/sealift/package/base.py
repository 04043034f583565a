"""The files of Debian packages as a layer: what an installation would leave, without running one.

Maintainer scripts never run. Their effects that a running image needs are reproduced here: the
certificate bundle, users and groups, the links of the merged /usr, the links to the interpreter.
For scanners each package leaves its control stanza in ``var/lib/dpkg/status.d``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sealift.archive import Entry
from sealift.package.debs import Item, Package

# documentation, and what only tools of the distribution read
_DROPPED = re.compile(
    r"usr/share/(doc/(?!.*/copyright$)|man/|info/|locale/|lintian/|bug/|doc-base/|menu/|gdb/"
    r"|bash-completion/|applications/|pixmaps/|binfmts/|apport/|python3/|zsh/)"
    r"|usr/share/(man|info|locale|lintian|bug|doc-base|menu|gdb|pixmaps|applications)$"
    r"|usr/lib/(systemd|tmpfiles\.d|sysusers\.d)(/|$)|etc/(systemd|init\.d|cron\.\w+)(/|$)"
)
_MERGED = re.compile(r"(bin|sbin|lib|lib32|lib64|libx32)(/|$)")
_CERTIFICATES = "usr/share/ca-certificates/"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_USERS = """\
root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
nonroot:x:65532:65532:nonroot:/tmp:/usr/sbin/nologin
"""
_GROUPS = "root:x:0:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\nnogroup:x:65534:\n"
_FILES = {
    "etc/passwd": _USERS,
    "etc/group": _GROUPS,
    "etc/hostname": "localhost\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
    "etc/resolv.conf": "",
}
# places for what an engine mounts on a read-only root
_FOLDERS = {
    **dict.fromkeys(("dev", "in", "model", "out", "proc", "project", "run", "sys"), 0o755),
    **dict.fromkeys(("checkpoints", "etc/ld.so.conf.d", "records"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
}


def base_entries(packages: Mapping[str, Package], python: str) -> Iterator[Entry]:
    """The files of the lowest layer; ``packages`` by name, ``python`` such as ``3.13``."""
    yield from package_entries(packages)
    found = {item.name for package in packages.values() for item in package.items}
    for name in ("bin", "sbin", "lib"):
        yield Entry(name=name, kind="link", mode=0o777, target=f"usr/{name}")
    if any(name.startswith(("lib64/", "usr/lib64/")) for name in found):
        yield Entry(name="lib64", kind="link", mode=0o777, target="usr/lib64")
    for name, text in _FILES.items():
        yield Entry(name=name, kind="file", content=text.encode())
    for name, mode in _FOLDERS.items():
        yield Entry(name=name, kind="folder", mode=mode)
    yield _certificates(packages)
    # where OpenSSL looks unless it is told otherwise
    yield Entry(name="usr/lib/ssl/cert.pem", kind="link", mode=0o777, target=f"/{_BUNDLE}")
    for name in ("usr/bin/python", "usr/bin/python3"):
        yield Entry(name=name, kind="link", mode=0o777, target=f"python{python}")


def shell_entries(packages: Mapping[str, Package]) -> Iterator[Entry]:
    """The files of the layer that lets commands be shell lines."""
    yield from package_entries(packages)
    yield Entry(name="usr/bin/sh", kind="link", mode=0o777, target="dash")


def package_entries(packages: Mapping[str, Package]) -> Iterator[Entry]:
    """What packages install, without documentation, and their stanzas for scanners."""
    for name, package in sorted(packages.items()):
        kept = [item for item in map(_merged, package.items) if _wanted(item)]
        for item in kept:
            yield _entry(item)
        status = f"var/lib/dpkg/status.d/{name}"
        yield Entry(name=status, kind="file", content=package.control.strip().encode() + b"\n")
        sums = _sums(package.sums, {item.name for item in kept})
        yield Entry(name=f"{status}.md5sums", kind="file", content=sums)


def _merged(item: Item) -> Item:
    """The item where a merged /usr has it."""
    if _MERGED.match(item.name):
        return Item(f"usr/{item.name}", item.kind, item.mode, item.content, item.target)
    return item


def _wanted(item: Item) -> bool:
    """Whether an item stays; links of the merged /usr itself are made once, at the end."""
    merges = item.kind == "link" and re.fullmatch(r"usr/(bin|sbin|lib\w*)", item.name)
    folder = item.kind == "folder"
    return bool(item.name) and not merges and not folder and not _DROPPED.match(item.name)


def _entry(item: Item) -> Entry:
    mode = 0o755 if item.mode & 0o100 else 0o644
    return Entry(
        name=item.name,
        kind=item.kind,
        mode=0o777 if item.kind == "link" else mode,
        content=item.content,
        target=item.target,
    )


def _sums(text: str, names: set[str]) -> bytes:
    lines = (line for line in text.splitlines() if line[34:] in names)
    return "".join(f"{line}\n" for line in lines).encode()


def _certificates(packages: Mapping[str, Package]) -> Entry:
    """All certificates of authorities in one file, in order of their names."""
    found = {
        item.name: item.content
        for package in packages.values()
        for item in package.items
        if item.name.startswith(_CERTIFICATES) and item.kind == "file"
    }
    bundle = b"".join(found[name].strip() + b"\n" for name in sorted(found))
    return Entry(name=_BUNDLE, kind="file", content=bundle)


__all__ = ["base_entries", "package_entries", "shell_entries"]
