"""A whole world of packages on the disk, small enough to build images from in a second."""

import pytest
from archives import Archive, wheel

from network_servers import forget

BASE = {
    "base-files": {
        "etc": None,
        "etc/debian_version": b"13\n",
        "bin": ("usr/bin",),
        "usr/lib/os-release": b"ID=debian\n",
        "etc/os-release": ("../usr/lib/os-release",),
        "usr/share/doc/base-files/copyright": b"free",
        "usr/share/doc/base-files/changelog.gz": b"long",
    },
    "ca-certificates": {
        "usr/share/ca-certificates/mozilla/B.crt": b"B\n",
        "usr/share/ca-certificates/mozilla/A.crt": b"A\n\n",
    },
    "libc6": {"lib64/ld-linux-x86-64.so.2": b"#!", "usr/lib/x86_64-linux-gnu/libc.so.6": b"c"},
    "python3.13-minimal": {"usr/bin/python3.13": b"#!python"},
    "python3.13": {"usr/share/man/man1/python3.13.1.gz": b"manual"},
    "libpython3.13-stdlib": {"usr/lib/python3.13/os.py": b"import sys\n"},
}
PLAIN = ("netbase", "tzdata", "libgcc-s1", "libstdc++6", "libgomp1", "zlib1g")
SHELL = ("coreutils", "findutils", "grep", "sed")


@pytest.fixture
def archive(tmp_path):
    """A mirror with all that an image needs."""
    made = Archive(tmp_path / "mirror")
    for name, files in BASE.items():
        version = "2.41-12" if name == "libc6" else "1.0"
        made.add(name, files, version=version, control="Depends: debconf, libc6\n")
    for name in PLAIN:
        made.add(name, {f"usr/share/{name}": b"x"})
    for name in SHELL:
        made.add(name, {f"usr/bin/{name}": b"#!x"}, control="Depends: libshell (>= 1)\n")
    made.add("dash", {"bin/dash": b"#!dash"})
    made.add("libshell", {"lib/libshell.so": b"x"}, pack="zst")
    made.publish()
    return made


@pytest.fixture
def wheels(tmp_path):
    """A folder of wheels with all that the server needs, and a few more."""
    folder = tmp_path / "index"
    wheel(folder, "httptools", version="2.9", needs=["click"], script=True)
    wheel(folder, "click", script=True)
    wheel(folder, "click", version="0.9")
    wheel(folder, "hpack", version="9.0")
    wheel(folder, "flatbuffers", version="25.9")
    wheel(folder, "msgspec", version="0.30")
    wheel(folder, "pysimdjson", version="7.1")
    wheel(folder, "numpy", version="2.2")
    wheel(folder, "numpy", version="2.3")
    wheel(folder, "onnxruntime", version="1.23", needs=["numpy"])
    wheel(folder, "forest", needs=["numpy<2.3"], script=True)
    return folder


@pytest.fixture
def world(tmp_path, archive, wheels, monkeypatch):
    """The environment in which nothing else is reachable; a project's folder in it."""
    (tmp_path / "keys").write_bytes(archive.keyring)
    for name in ("UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "SEALIFT_SECURITY_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEALIFT_MIRROR", archive.uri)
    monkeypatch.setenv("SEALIFT_KEYRING", str(tmp_path / "keys"))
    monkeypatch.setenv("SEALIFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"file://{wheels}")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "requirements.txt").write_text("forest\n")
    return tmp_path / "project"


@pytest.fixture
def near(world, tmp_path, monkeypatch):
    """A project's folder, in an environment that says nothing of the network but the keys."""
    forget(monkeypatch)
    monkeypatch.setenv("SEALIFT_KEYRING", str(tmp_path / "keys"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return world
