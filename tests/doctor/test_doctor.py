"""The doctor really tries, and says one thing to do for each thing that fails."""

import os
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

import hatch_build
import sealift
from sealift import process
from sealift.adapters.engines.bwrap_program import locate
from sealift.adapters.engines.choice import ORDER, choose
from sealift.adapters.signers.keyring import Keyring
from sealift.doctor import examine
from sealift.doctor.registry import CHECKS
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.loopback import free_port
from sealift.record.report import CheckResult
from sealift.testing.registry import Faults, RegistryServer

HERE = [check for check in CHECKS if check.name not in ("sources", "index")]
REPORT = """
import msgspec, sys
from pathlib import Path
from sealift.doctor import examine
from sealift.doctor.registry import CHECKS
from sealift.folders import Folders
wanted = [check for check in CHECKS if check.name in sys.argv[2:]]
print(msgspec.json.encode(examine(Folders(Path(sys.argv[1])), wanted)).decode())
"""


def examined(folder, *names, within=(), env=None):
    """The results of these checks in a process of its own, by name."""
    words = [*within, sys.executable, "-c", REPORT, folder, *names]
    done = process.run(words, env=env, timeout=60)
    assert done.status == 0, done.stderr.decode()
    return {one.name: one for one in msgspec.json.decode(done.stdout, type=list[CheckResult])}


class Works:
    def probe(self):
        """It does."""


class Fails:
    def probe(self):
        """It does not."""
        raise MachineError("It is broken.", remedy="Repair it.")


def test_this_machine_can_do_what_sealift_needs(tmp_path):
    """Every check has a name of its own and tells what it saw; nothing is written."""
    results = examine(Folders(tmp_path), HERE)

    assert [one.name for one in results] == [check.name for check in HERE]
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(one.passed and one.detail and one.shows for one in results), results
    assert list(tmp_path.iterdir()) == []


def test_every_finding_has_one_remedy(tmp_path):
    """A sentence to act on, whatever is found."""
    (tmp_path / "sealift.toml").write_text('nmae = "x"')
    findings = [one for result in examine(Folders(tmp_path), HERE) for one in result.findings]

    assert findings
    assert all(one.message and one.remedy.endswith((".", "?")) for one in findings), findings


@pytest.mark.engine
def test_refused_user_namespaces_are_said_with_the_way_out(tmp_path):
    """In a namespace whose quota of further ones is used up, the probe fails as it would there."""
    refusing = [locate(), "--unshare-user", "--disable-userns", "--dev-bind", "/", "/"]
    found = examined(tmp_path, "namespaces", within=[*refusing, "--proc", "/proc", "--"])
    (finding,) = found["namespaces"].findings

    assert "refuses user namespaces" in finding.message
    assert "podman or docker" in finding.remedy


@pytest.mark.engine
def test_a_machine_without_any_engine_fails(tmp_path):
    """No user namespaces, and neither podman nor docker to be found."""
    refusing = [locate(), "--unshare-user", "--disable-userns", "--dev-bind", "/", "/"]
    env = {**os.environ, "PATH": str(tmp_path)}
    words = [*refusing, "--proc", "/proc", "--"]
    found = examined(tmp_path, "engines", "limits", within=words, env=env)

    assert not found["engines"].passed
    assert "podman" in found["engines"].findings[0].message
    assert found["limits"].passed


def test_the_engine_of_the_project_must_work(tmp_path):
    """It is not enough that another one would."""
    (tmp_path / "sealift.toml").write_text('name = "x"\n[engine]\nname = "podman"\n')
    env = {**os.environ, "PATH": str(tmp_path)}
    result = examined(tmp_path, "engines", env=env)["engines"]

    assert not result.passed
    assert "auto" in result.findings[0].remedy


def test_a_wrong_project_file_is_a_finding(tmp_path):
    """With the words of the project file's own error."""
    (tmp_path / "sealift.toml").write_bytes(b"\xff")
    result = examined(tmp_path, "project")["project"]

    assert not result.passed
    assert "UTF-8" in result.findings[0].remedy


def test_a_folder_that_cannot_be_written_to_is_a_finding():
    """The kernel's own files are such a folder for everybody."""
    result = examined("/proc/sys/kernel", "disk")["disk"]

    assert any("can be written" in one.message for one in result.findings)


def test_a_missing_mirror_is_a_finding(tmp_path):
    """An address at which nothing answers; with a lock it is no more than a warning."""
    (tmp_path / "sealift.toml").write_text(
        f'name = "x"\n[network]\nmirror = "file://{tmp_path}/none"\n'
    )
    assert not examined(tmp_path, "sources")["sources"].passed
    (tmp_path / "sealift.lock").touch()
    result = examined(tmp_path, "sources")["sources"]

    assert result.passed
    assert [one.severity for one in result.findings] == ["warning"]


def test_settings_of_the_network_that_cannot_be_used_are_findings(tmp_path):
    """A file of authorities that is not there, a proxy at which nothing answers."""
    text = 'name = "x"\n[image]\nregistry = "r.example/x"\n[network]\nproxy = "127.0.0.1:{}"'
    (tmp_path / "sealift.toml").write_text(text.format(free_port()))
    names = ("network", "sources", "index", "registry")
    found = examined(tmp_path, *names)

    assert "by http://127.0.0.1:" in found["network"].detail
    assert [found[name].passed for name in names] == [True, False, False, True]
    for name in names[1:]:
        (finding,) = found[name].findings
        assert "proxy cannot be reached" in finding.message
        assert "network.proxy" in finding.remedy
    (tmp_path / "sealift.toml").write_text('name = "x"\n[network]\nca = "none.pem"')
    assert not examined(tmp_path, "network")["network"].passed


def test_offline_nobody_is_asked_and_that_is_no_fault(tmp_path):
    """But to have no lock is one."""
    (tmp_path / "sealift.toml").write_text('name = "x"\n[network]\noffline = true')
    names = ("network", "sources", "index", "registry")
    assert not examined(tmp_path, *names)["sources"].passed
    (tmp_path / "sealift.lock").touch()
    found = examined(tmp_path, *names)

    assert all(found[name].passed and not found[name].findings for name in names)
    assert "switched off" in found["network"].detail


def test_a_registry_that_lets_nobody_in_is_a_finding(tmp_path):
    """All but a push works without it."""
    with RegistryServer(Faults(login=("pilot", "secret"))) as server:
        text = f'name = "x"\n[image]\nregistry = "{server.host}/x"'
        (tmp_path / "sealift.toml").write_text(text)
        env = {**os.environ, "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
        result = examined(tmp_path, "registry", env=env)["registry"]

    assert result.passed
    assert "credentials" in result.findings[0].message


def test_a_program_that_does_not_run_is_a_finding(tmp_path):
    """Here in an environment whose programs are gone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "uv").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    (folder / "uv").chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    code = f"import sys; sys.executable = {str(folder / 'python')!r}\n{REPORT}"
    words = [sys.executable, "-c", code, tmp_path, "programs"]
    done = process.run(words, env={**os.environ, "PATH": "/nowhere"}, timeout=60)
    (result,) = msgspec.json.decode(done.stdout, type=list[CheckResult])

    assert not result.passed
    assert len(result.findings) == 2


def test_an_installation_without_the_compiled_part_is_a_finding(tmp_path):
    """One for each library that images would need, and one for what is not loaded here."""
    installed = tmp_path / "installed/sealift"
    unwanted = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(Path(sealift.__file__).parent, installed, ignore=unwanted)
    libraries = [installed / f"serve/express-{one}.so" for one in hatch_build.PROCESSORS]
    for library in libraries:
        library.write_bytes(b"no library")
    env = {**os.environ, "PYTHONPATH": str(installed.parent)}
    (damaged,) = examined(tmp_path, "compiled", env=env)["compiled"].findings
    for library in libraries:
        library.unlink()
    lacking = examined(tmp_path, "compiled", env=env)["compiled"].findings

    assert "cannot be loaded" in damaged.message
    assert len(lacking) == 3
    assert str(installed) in lacking[0].place
    assert all("Install Sealift again" in one.remedy for one in lacking)


def test_auto_is_the_first_engine_that_works():
    """Bubblewrap before podman before docker; a name of one's own is taken as it is."""
    works, fails = Works(), Fails()

    assert choose("auto", dict.fromkeys(ORDER, works)) == "bubblewrap"
    assert choose("auto", {"bubblewrap": fails, "podman": works, "docker": works}) == "podman"
    assert choose("auto", {"bubblewrap": fails, "podman": fails, "docker": works}) == "docker"
    assert choose("docker", dict.fromkeys(ORDER, fails)) == "docker"
    with pytest.raises(MachineError, match="podman: It is broken"):
        choose("auto", dict.fromkeys(ORDER, fails))
    assert choose("auto") in ORDER


@pytest.mark.parametrize(
    ("policy", "what", "where"),
    [
        (f"signed_by = ['{'0' * 64}']", "No key that the policy names is known here", "signed_by"),
        ("engines = ['moon']", "the policy wants moon", "engines"),
        ("checks = ['vulnerabilities']", "no database is named", "checks"),
    ],
)
def test_a_policy_that_no_report_of_here_can_meet_is_a_warning(tmp_path, policy, what, where):
    """Before anybody trains, packages and checks for nothing."""
    (tmp_path / "sealift.toml").write_text(f"name = 'x'\n[release.policy]\n{policy}\n")
    (finding,) = examined(tmp_path, "policy")["policy"].findings

    assert what in finding.message
    assert finding.place == f"sealift.toml: release.policy.{where}"
    assert finding.remedy


def test_a_policy_that_names_only_the_keys_of_others_is_a_warning(tmp_path):
    """What is checked here needs their signature; with the own key it is fine."""
    folders = Folders(tmp_path)
    own, _ = Keyring(folders.keys).make()
    theirs, _ = Keyring(tmp_path / "theirs").make()
    Keyring(folders.keys).trust((tmp_path / "theirs" / "key.pub").read_bytes(), "theirs")

    def findings(*keys):
        text = f"name = 'x'\n[release.policy]\nsigned_by = {[*keys]}\n"
        (tmp_path / "sealift.toml").write_text(text)
        return examined(tmp_path, "policy")["policy"].findings

    (finding,) = findings(theirs.fingerprint)
    assert "names no key of this project" in finding.message
    assert findings(theirs.fingerprint, own.fingerprint) == ()
