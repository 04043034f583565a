"""Small archives made by the tests: Debian packages, a signed mirror, wheels."""

import base64
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from email.utils import formatdate

import pysequoia
import zstandard

PACK = {"xz": lzma.compress, "gz": gzip.compress, "zst": zstandard.compress, "": bytes}


def tarball(files, *, extra=()):
    """A tar as dpkg writes them: names with ./, a root; text is a file, None a folder."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as whole:
        for name, content in {"": None, **files}.items():
            info = tarfile.TarInfo(f"./{name}")
            info.mtime = 1
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[0]
            else:
                info.size, info.mode = len(content), 0o755 if b"#!" in content[:2] else 0o644
            body = io.BytesIO(content) if isinstance(content, bytes) else None
            whole.addfile(info, body)
        for info in extra:
            whole.addfile(info)
    return made.getvalue()


def ar(members):
    """An ar archive of (name, content)."""
    made = b"!<arch>\n"
    for name, content in members:
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def deb(name, files, *, version="1.0", pack="xz", control="", extra=()):
    """A Debian package with these files; further lines of its control file as text."""
    text = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n{control}"
    sums = "".join(
        f"{hashlib.md5(content).hexdigest()}  {path}\n"  # the format wants MD5
        for path, content in files.items()
        if isinstance(content, bytes)
    )
    controls = {
        "control": text.encode(),
        "md5sums": sums.encode(),
        "postinst": b"#!/bin/sh\nexit 1",
    }
    ending = f".{pack}" if pack else ""
    return ar(
        [
            ("debian-binary", b"2.0\n"),
            (f"control.tar{ending}", PACK[pack](tarball(controls))),
            (f"data.tar{ending}", PACK[pack](tarball(files, extra=extra))),
        ]
    )


class Archive:
    """A signed Debian archive in a folder."""

    def __init__(self, folder, key=None):
        self.folder = folder
        self.key = key or pysequoia.Tsk.generate("Archive <archive@example.org>")
        self.stanzas = {}

    @property
    def uri(self):
        """Its address."""
        return f"file://{self.folder}"

    @property
    def keyring(self):
        """Its public key."""
        return bytes(self.key.extract_certificate())

    def add(self, name, files=None, *, suite="trixie", version="1.0", control="", **how):
        """Add a package; the path of its file."""
        data = deb(name, files or {}, version=version, control=control, **how)
        path = self.folder / "pool" / f"{name}_{version}_amd64.deb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        stanza = (
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n{control}"
            f"Filename: pool/{path.name}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
        self.stanzas.setdefault(suite, []).append(stanza)
        return path

    def publish(self, *, until=None, codename=None, arches=("amd64",)):
        """Write the lists of packages, the same for each processor, and the signed releases."""
        for suite, stanzas in self.stanzas.items():
            folder = self.folder / "dists" / suite
            listing = lzma.compress("\n".join(stanzas).encode())
            lines = [f"Codename: {codename or suite}", "Suite: stable"]
            if until is not None:
                lines.append(f"Valid-Until: {formatdate(until, usegmt=True)}")
            lines.append("SHA256:")
            for arch in arches:
                name = f"main/binary-{arch}/Packages.xz"
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(listing)
                lines.append(f" {hashlib.sha256(listing).hexdigest()} {len(listing)} {name}")
            lines.append("")
            signed = pysequoia.sign(
                self.key.signer(),
                "\n".join(lines).encode(),
                mode=pysequoia.SignatureMode.CLEAR,
            )
            (folder / "InRelease").write_bytes(signed)


def wheel(folder, name, *, version="1.0", needs=(), script=False, tag="py3-none-any", files=None):
    """Add a wheel of one module, which knows its version, to the index in a folder (PEP 503).

    Further ``files`` are texts of one byte a character.
    """
    further = files or {}
    info = f"{name}-{version}.dist-info"
    meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        **further,
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": meta + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:main\n"
    rows = [f"{path},{_checksum(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    path = folder / name.replace("_", "-") / f"{name}-{version}-{tag}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as whole:
        for inner, text in files.items():
            whole.writestr(zipfile.ZipInfo(inner), text.encode("latin-1"))
    _list(path.parent)
    return path


def sdist(folder, name, files, *, version="1.0"):
    """Add a source distribution of these files (texts) to the index in a folder."""
    path = folder / name / f"{name}-{version}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with tarfile.open(path, "w:gz") as whole:
        for inner, text in {"PKG-INFO": about, **files}.items():
            info = tarfile.TarInfo(f"{name}-{version}/{inner}")
            info.size = len(text.encode())
            whole.addfile(info, io.BytesIO(text.encode()))
    _list(path.parent)
    return path


def _list(folder):
    """Write the page of an index for one project."""
    names = sorted(found.name for found in folder.iterdir() if found.name != "index.html")
    links = "".join(f'<a href="{name}">{name}</a>' for name in names)
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")


def _checksum(text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode("latin-1")).digest())
    return "sha256=" + digest.rstrip(b"=").decode()
