"""What an image is made of: size, packages, licences, known vulnerabilities and lineage."""

import base64
import hashlib
import json
import zipfile

import msgspec
import pytest
from check_world import LOCK, provenance, put_image

from sealift.check import licences, lineage, packages, size, unsecret, vulnerabilities
from sealift.check.advisory import ORDERS, Affected, Event, Range, affects, fixed_in, read
from sealift.check.vulnerabilities import Part, compared, judged
from sealift.errors import DataError, IntegrityError
from sealift.record.check_settings import CheckSettings, IgnoreSettings, LicenceSettings
from sealift.record.lock import Deb, Locks
from sealift.record.run import Code, Run

SITE = "usr/local/lib/python3.13/dist-packages"
TREELIB = "treelib==1.7.0 --hash=sha256:" + "ab" * 32
STATUS = "Package: libssl3\nSource: openssl\nVersion: 3.5.1-1\nArchitecture: amd64\n"
LIBSSL = Deb(
    name="libssl3",
    version="3.5.1-1",
    arch="amd64",
    archive="main",
    path="pool/libssl3.deb",
    sha256="cd" * 32,
    size=1,
)
PACKAGED = msgspec.structs.replace(LOCK, runtime=(TREELIB,), base=(LIBSSL,))


def install(world):
    """A wheel and a Debian package, as an image has them."""
    content = world.folder / "content"
    files = {
        f"{SITE}/treelib/__init__.py": b"leaf = 1\n",
        f"{SITE}/treelib-1.7.0.dist-info/METADATA": b"Name: treelib\nVersion: 1.7.0\n",
        "usr/lib/libssl.so.3": b"\x7fELF",
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="13"\n',
        "var/lib/dpkg/status.d/libssl3": STATUS.encode(),
    }
    record = "".join(
        f"{path.removeprefix(SITE + '/')},sha256={summed(text)},{len(text)}\n"
        for path, text in files.items()
        if path.startswith(SITE)
    )
    files[f"{SITE}/treelib-1.7.0.dist-info/RECORD"] = (
        record + "treelib-1.7.0.dist-info/RECORD,,\n"
    ).encode()
    md5 = hashlib.md5(files["usr/lib/libssl.so.3"], usedforsecurity=False).hexdigest()
    files["var/lib/dpkg/status.d/libssl3.md5sums"] = f"{md5}  usr/lib/libssl.so.3\n".encode()
    for path, text in files.items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_bytes(text)


def summed(text):
    """A digest as a RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()


def found(check, target):
    """What a check says, but for what it saw."""
    return [one for one in check.CHECK.findings(target) if one.severity != "info"]


def words(findings):
    """Severities and messages, as one text."""
    return "\n".join(f"{one.severity}: {one.message} {one.place}" for one in findings)


@pytest.fixture
def packaged(world):
    """A world whose image has packages."""
    install(world)
    return world


def test_packages_that_are_those_of_the_lock_pass(packaged):
    """By name, version and file."""
    locks = Locks(platforms=(PACKAGED,))

    assert found(packages, packaged.target(lock=lambda: PACKAGED, locks=locks)) == []


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (f"{SITE}/treelib/__init__.py", "leaf = 2\n", "A file of treelib is not the one"),
        (f"{SITE}/treelib/__init__.py", None, "A file of treelib is gone"),
        (f"{SITE}/sitecustomize.py", "print('hello')\n", "that belongs to none"),
        ("usr/lib/libssl.so.3", "\x7fELG", "A file of libssl3 is not the one"),
        (f"{SITE}/treelib-1.7.0.dist-info/RECORD", None, "does not list its files"),
    ],
)
def test_a_file_that_is_not_as_it_was_installed_is_found(packaged, path, text, message):
    """With its place in the image."""
    file = packaged.folder / "content" / path
    file.unlink() if text is None else file.write_text(text)
    findings = found(packages, packaged.target(lock=lambda: PACKAGED))

    assert message in words(findings)
    assert all(one.place.startswith("/") for one in findings if one.severity == "error")


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ({"runtime": ("treelib==1.8.0 --hash=sha256:ab",)}, "another version than in the lock"),
        ({"runtime": (TREELIB, "bark==1.0 --hash=sha256:ab")}, "of the lock is not in the image"),
        ({"runtime": ()}, "in the image and not in the lock"),
        ({"runtime": ("treelib==1.7.0",)}, "locked without the digest of its file"),
        ({"base": ()}, "3.5.1-1 in the image, absent there"),
    ],
)
def test_packages_that_are_not_those_of_the_lock_are_found(packaged, lock, message):
    """Each by its name."""
    other = msgspec.structs.replace(PACKAGED, **lock)

    assert message in words(found(packages, packaged.target(lock=lambda: other)))


def test_a_size_above_the_budget_is_told_by_layer(world):
    """With what is largest in each."""
    (world.folder / "content" / "big").write_bytes(b"0" * 3000)
    target = world.target(settings=CheckSettings(size="1 kB"))
    (finding,) = found(size, target)

    assert "unpacked, more than 1 kB" in finding.message
    assert "/big" in finding.place


def test_a_secret_that_a_higher_layer_hides_is_found(world):
    """Whoever has the image has all its layers."""
    secret = world.folder / "below" / "root" / ".netrc"
    secret.parent.mkdir(parents=True)
    secret.write_text("machine example.com password hunter2")
    above = world.folder / "content" / "root" / ".wh..netrc"
    above.parent.mkdir()
    above.touch()
    image = put_image(world.store, world.folder / "content", ["serve"], world.folder / "below")
    target = world.target()
    target.subject = msgspec.structs.replace(
        target.subject, image=image, root=str(world.store.rootfs(image))
    )
    findings = found(unsecret, target)

    assert not (world.store.rootfs(image) / "root" / ".netrc").exists()
    assert "that a higher layer hides holds what programs keep secrets in" in words(findings)
    assert findings[0].place == "/root/.netrc in layer layer 1"


def component(name, *stated, **more):
    """A component of a bill of materials."""
    return {"type": "library", "name": name, "version": "1", "licenses": [*stated], **more}


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"license": {"id": "AGPL-3.0-only"}}, "error: A package has a licence that is denied: AG"),
        ({"expression": "MIT AND SSPL-1.0"}, "denied: SSPL-1.0. leaf 1"),
        ({"license": {"name": "GNU Affero General Public License v3"}}, "AGPL-3.0-or-later"),
        ({"license": {"name": "a licence of mine"}}, "warning: The licence of 1 packages is not"),
        ({"expression": "MIT OR AGPL-3.0-only"}, ""),
        ({"expression": "GPL-2.0-only WITH Classpath-exception-2.0"}, ""),
        ({"license": {"name": "MIT License"}}, ""),
    ],
)
def test_licences_are_judged_by_what_a_package_states(world, stated, message):
    """Inside of others too; a choice is taken."""
    outer = component("tree", {"license": {"id": "MIT"}}, components=[component("leaf", stated)])
    findings = found(licences, world.target(bill=lambda: {"components": [outer]}))

    assert message in words(findings)
    assert bool(findings) == bool(message)


def test_what_the_server_needs_warns_of_nothing():
    """A package of it that states no licence for machines was read by people, and can be denied."""
    one = component("pysimdjson")
    (told,) = licences.judged([one], LicenceSettings())
    refused = [*licences.judged([one], LicenceSettings(deny=("MIT",)))]

    assert told.severity == "info"
    assert refused[0].severity == "error"


def test_a_package_that_is_allowed_may_have_any_licence(world):
    """For a reason, which is told."""
    one = component("leaf", {"license": {"id": "AGPL-3.0-only"}})
    settings = LicenceSettings(allow={"leaf": "never served"})
    (finding, excused) = licences.judged([one], settings)

    assert {finding.severity, excused.severity} == {"info"}
    assert excused.message == "allowed: leaf (never served)"


def entry(name, ecosystem, package, *events, **more):
    """An entry as OSV publishes it."""
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges}]
    return {"id": name, "modified": "2999-01-01T00:00:00Z", "affected": affected, **more}


ENTRIES = (
    entry("PYSEC-1", "PyPI", "Tree_Lib", {"introduced": "0"}, {"fixed": "2"}),
    entry(
        "GHSA-1",
        "PyPI",
        "treelib",
        {"introduced": "0"},
        {"fixed": "1.6"},
        {"introduced": "1.7rc1"},
        {"fixed": "1.7.1"},
        aliases=["CVE-2024-1"],
        summary="Leaves fall.",
    ),
    entry("PYSEC-2", "PyPI", "treelib", {"introduced": "0"}, aliases=["CVE-2024-1"]),
    entry("GHSA-2", "PyPI", "treelib", {"introduced": "0"}, {"last_affected": "1.6.9"}),
    entry("GHSA-3", "PyPI", "treelib", {"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z"),
    entry("DSA-1", "Debian:13", "openssl", {"introduced": "0"}, {"fixed": "3.5.1-1+deb13u1"}),
    entry("DSA-2", "Debian:12", "openssl", {"introduced": "0"}, {"fixed": "3.9"}),
    entry("DEBIAN-CVE-2024-9", "Debian:13", "openssl", {"introduced": "0"}),
)


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "folder"])
def test_known_vulnerabilities_are_told_with_what_mends_them(packaged, packed):
    """Of Python's and of Debian's packages, once each, whatever they are called."""
    folder = packaged.folder / "osv"
    folder.mkdir()
    for number, one in enumerate(ENTRIES):
        (folder / f"{number}.json").write_text(json.dumps(one))
    if packed:
        with zipfile.ZipFile(folder / "all.zip", "w") as archive:
            for file in sorted(folder.glob("*.json")):
                archive.write(file, file.name)
                file.unlink()
    settings = CheckSettings(vulnerabilities="osv/all.zip" if packed else "osv")
    findings = found(vulnerabilities, packaged.target(settings=settings))

    assert [(one.severity, one.place) for one in findings] == [
        ("error", "treelib 1.7.0, mended in 1.7.1"),
        ("error", "libssl3 3.5.1-1, mended in 3.5.1-1+deb13u1"),
        ("warning", "libssl3 3.5.1-1"),
    ]
    assert "GHSA-1 (CVE-2024-1): Leaves fall." in findings[0].message
    assert "treelib>=1.7.1" in findings[0].remedy
    assert "DEBIAN-CVE-2024-9" in findings[2].message


def test_a_vulnerability_is_ignored_until_its_day(packaged):
    """Under whichever of its names; then it counts again, and says so."""
    place = packaged.folder / "osv"
    place.mkdir()
    (place / "1.json").write_text(json.dumps(ENTRIES[1]))
    known = list(read(place))
    part = Part(ecosystem="PyPI", name="treelib", version="1.7.0", shown="treelib 1.7.0")
    hits = list(compared(known, [part]))
    ignored = {"CVE-2024-1": IgnoreSettings(reason="no leaves here", until="2026-12-31")}

    (excused,) = judged(hits, ignored, "2026-12-31")
    (again,) = judged(hits, ignored, "2027-01-01")

    assert excused.severity == "info"
    assert "until 2026-12-31 (no leaves here)" in excused.message
    assert again.severity == "error"
    assert "it was ignored until 2026-12-31" in again.message


def test_without_a_database_the_check_says_that_it_did_not_run(packaged):
    """And does not fail; one that is not there fails."""
    (finding,) = vulnerabilities.CHECK.findings(packaged.target())
    assert finding.message.startswith("does not apply: no vulnerability database is given")

    settings = CheckSettings(vulnerabilities="nowhere")
    with pytest.raises(DataError, match="cannot be read"):
        found(vulnerabilities, packaged.target(settings=settings))


@pytest.mark.parametrize(
    ("ecosystem", "version", "hit"),
    [
        ("PyPI", "1.2rc1", True),
        ("PyPI", "1.2", False),
        ("PyPI", "1.10", False),
        ("PyPI", "2.0.post1", True),
        ("Debian", "1.2~rc1-1", True),
        ("Debian", "1.2-0", False),
        ("Debian", "2.0-1+b1", True),
    ],
)
def test_versions_are_ordered_as_their_ecosystem_orders_them(ecosystem, version, hit):
    """Events in any order; the second range has no end."""
    events = (Event(introduced="2.0"), Event(fixed="1.2"), Event(introduced="0"))
    one = Affected(ranges=(Range("GIT", ()), Range("ECOSYSTEM", events)))
    order = ORDERS[ecosystem]

    assert affects(one, version, order) is hit
    assert fixed_in(one, "1.0", order) == "1.2"


def test_a_whole_lineage_passes(world):
    """With or without the records of the run."""
    assert found(lineage, world.target()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told["buildDefinition"]["resolvedDependencies"].pop(0), "not name the code"),
        (lambda told: told["runDetails"]["metadata"].clear(), "does not say which run"),
        (lambda told: told["runDetails"]["metadata"].update(invocationId="s"), "is of run r, the"),
        (
            lambda told: told["buildDefinition"]["resolvedDependencies"][-1]["digest"].update(
                sha256="ef" * 32
            ),
            "names a layer that the image does not have",
        ),
        (
            lambda told: told["buildDefinition"]["resolvedDependencies"][4]["digest"].clear(),
            "A data snapshot has no digest",
        ),
        (lambda told: told.update(buildDefinition=7), "cannot be read"),
    ],
)
def test_a_lineage_with_a_gap_is_found(world, change, message):
    """By what is missing, or what does not agree."""
    image = world.image()
    told = provenance(image, world.store)
    change(told)
    report = world.check("lineage", provenance=lambda: told)

    assert message in words(report.results[-1].findings)


def test_a_flipped_bit_in_a_file_of_the_model_is_found(world):
    """Whether or not an answer depends on it."""
    target = world.target()
    file = world.store.rootfs(target.subject.image) / "model" / "golden.json"
    damaged = bytearray(file.read_bytes())
    damaged[20] ^= 1
    file.unlink()
    file.write_bytes(damaged)
    (finding,) = found(lineage, target)

    assert finding.message == "A file of the model was changed after the image was made."
    assert finding.place == "/model/golden.json"


def test_records_that_differ_from_the_provenance_are_found(world):
    """And a signature that does not hold is a finding like any other."""
    run = Run(
        id="r",
        project="flights",
        status="done",
        started=0.0,
        finished=1.0,
        user="me",
        comment="",
        code=Code(digest="sha256:" + "12" * 32, commit="c"),
        machine={},
        image="sha256:" + "ab" * 32,
        lock=None,
        snapshots={},
        params={},
        seeds={},
    )
    told = words(found(lineage, world.target(run=run)))
    assert "The provenance and the records differ about code" in told
    assert "no longer in the store" in told

    def forged():
        raise IntegrityError("The signature does not fit.")

    report = world.check("lineage", signed=forged)
    assert words(report.results[-1].findings) == "error: The signature does not fit. "


def test_without_papers_what_needs_them_does_not_apply(world):
    """As for a server that is asked before its image is registered."""
    target = world.target()
    target.papers = None

    for one in (size, packages, licences, vulnerabilities, lineage):
        (finding,) = one.CHECK.findings(target)
        assert finding.message.startswith("does not apply: nothing is known")
