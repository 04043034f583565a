"""Packages come from the machine's own sources, and only what a trusted key has signed."""

import pysequoia
import pytest
from archives import Archive

from sealift import clock
from sealift.errors import SourceError
from sealift.network.network import Network
from sealift.package import release, sources
from sealift.package.fetch import Fetcher
from sealift.record.network import NetworkSettings

DEB822 = """\
# the main archive
Types: deb deb-src
# a comment between
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: trixie
Components: main
"""


def machine(tmp_path, files, keys=True):
    """The root of a machine with these files of sources."""
    parts = tmp_path / "etc/apt/sources.list.d"
    parts.mkdir(parents=True)
    for name, text in files.items():
        (parts / name).write_text(text)
    if keys:
        shared = tmp_path / "usr/share/keyrings"
        shared.mkdir(parents=True)
        (shared / "debian-archive-keyring.gpg").write_bytes(b"keys")
    return tmp_path


def find(root, settings=None, **environment):
    """The mirror of such a machine."""
    network = Network(settings or NetworkSettings(), environment=environment)
    return sources.mirror(network, machine=root)


def test_the_mirror_of_the_machine_is_found_in_both_styles(tmp_path):
    """Other suppliers, disabled entries and sources of source code are passed over."""
    other = (
        "deb https://other.example/apt cloud-sdk main\ndeb-src http://x.example/debian sid main\n"
    )
    lines = "deb [arch=amd64 signed-by=/k.gpg] http://lines.example/debian stable main # it\n"
    one = machine(tmp_path / "a", {"a.list": other, "debian.sources": DEB822})
    found = find(one)
    assert (found.main, found.security) == (
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
    )
    assert find(machine(tmp_path / "b", {"a.list": lines})).main == "http://lines.example/debian"


def test_the_users_choice_comes_first(tmp_path):
    """The project's setting, then the environment, then the machine."""
    root = machine(tmp_path, {"debian.sources": DEB822})
    settings = NetworkSettings(mirror="http://project.example/debian/")
    chosen = {"SEALIFT_MIRROR": "http://user.example/debian"}
    assert find(root, settings, **chosen).main == "http://project.example/debian"
    assert find(root, **chosen).main == "http://user.example/debian"
    assert find(root, **chosen).security == ""


def test_no_mirror_is_an_error_with_a_way_out(tmp_path):
    """Nothing is built in."""
    other = "deb http://archive.example/ubuntu noble main\n"
    with pytest.raises(SourceError, match="SEALIFT_MIRROR"):
        find(machine(tmp_path, {"a.list": other}))


def test_no_keys_is_an_error_with_a_way_out(tmp_path):
    """Also a keyring that was named and cannot be read."""
    root = machine(tmp_path, {"debian.sources": DEB822}, keys=False)
    with pytest.raises(SourceError, match="debian-archive-keyring"):
        find(root)
    with pytest.raises(SourceError, match="SEALIFT_KEYRING"):
        find(root, SEALIFT_KEYRING="/nowhere")


def test_a_key_written_into_the_entry_is_used(tmp_path):
    """As deb822 allows."""
    key = pysequoia.Tsk.generate("A <a@example.org>").extract_certificate()
    text = "".join(f" {line or '.'}\n" for line in str(key).splitlines())
    entry = DEB822.split("\n\n", maxsplit=1)[0].rpartition("\n")[0] + f"\nSigned-By:\n{text}"
    found = find(machine(tmp_path, {"debian.sources": entry}, keys=False))
    assert [c.fingerprint for c in pysequoia.Cert.split_bytes(found.keyring)] == [key.fingerprint]


def listed(archive, tmp_path, *, keyring=None, security=""):
    """The catalogue of an archive."""
    mirror = sources.Mirror(archive.uri, security, keyring or archive.keyring)
    with Fetcher(tmp_path / "cache", Network(), pause=0) as fetcher:
        return release.catalogue(mirror, "trixie", "amd64", fetcher)


def test_a_signed_archive_is_listed(archive, tmp_path):
    """With updates, and security updates where their source is known and has the suite."""
    archive.add("tzdata", suite="trixie-updates", version="2.0")
    archive.publish()
    other = Archive(tmp_path / "security", archive.key)
    other.add("dash", suite="trixie-security", version="1.1")
    other.publish()
    offers = listed(archive, tmp_path, security=other.uri)
    assert offers.newest("tzdata").deb.version == "2.0"
    assert offers.newest("dash").deb.archive == "security"
    assert listed(archive, tmp_path).newest("dash").deb.version == "1.0"


def test_a_stranger_signature_is_refused(archive, tmp_path):
    """The right form, another key."""
    other = bytes(pysequoia.Tsk.generate("B <b@example.org>").extract_certificate())
    with pytest.raises(SourceError, match="not trusted"):
        listed(archive, tmp_path, keyring=other)


@pytest.mark.parametrize("old", [b"Suite: stable", b"SHA256:"])
def test_a_changed_release_is_refused(archive, tmp_path, old):
    """One letter is enough."""
    path = archive.folder / "dists/trixie/InRelease"
    path.write_bytes(path.read_bytes().replace(old, old[:-2] + b"x" + old[-1:]))
    with pytest.raises(SourceError, match="not trusted"):
        listed(archive, tmp_path)


def test_text_around_the_signed_part_does_not_count(archive, tmp_path):
    """It may say that a key is trusted, or name other digests."""
    path = archive.folder / "dists/trixie/InRelease"
    path.write_bytes(b"Codename: evil\n\n" + path.read_bytes() + b"\nCodename: evil\n")
    assert listed(archive, tmp_path).newest("dash").deb.version == "1.0"


@pytest.mark.parametrize("content", [b"", b"Codename: trixie\n", b"\xff\xfe"])
def test_an_unsigned_release_is_refused(archive, tmp_path, content):
    """Empty, plain, or rubbish."""
    (archive.folder / "dists/trixie/InRelease").write_bytes(content)
    with pytest.raises(SourceError):
        listed(archive, tmp_path)


def test_a_changed_list_of_packages_is_refused(archive, tmp_path):
    """Its digest is in the signed release."""
    path = archive.folder / "dists/trixie/main/binary-amd64/Packages.xz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(SourceError, match="digest"):
        listed(archive, tmp_path)


def test_a_release_that_has_ended_is_refused(archive, tmp_path):
    """A mirror that is held back cannot hide security updates for ever."""
    archive.publish(until=clock.now() + 60)
    assert listed(archive, tmp_path)
    archive.publish(until=clock.now() - 60)
    with pytest.raises(SourceError, match="valid until"):
        listed(archive, tmp_path)


def test_a_release_of_another_suite_is_refused(archive, tmp_path):
    """Signed, but not what was asked for."""
    archive.publish(codename="bookworm")
    with pytest.raises(SourceError, match="bookworm"):
        listed(archive, tmp_path)


def test_an_archive_without_this_architecture_says_so(archive, tmp_path):
    """Rather than offer nothing."""
    archive.publish(arches=("s390x",))
    with pytest.raises(SourceError, match="amd64"):
        listed(archive, tmp_path)
