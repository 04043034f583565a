"""What every engine does. An adapter joins with a class and one fixture:

class TestPodman(EngineSuite):
    @pytest.fixture
    def bench(self, tmp_path): return EngineBench(engine=..., image=..., ...)
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from sealift import clock
from sealift.digest import of_bytes
from sealift.errors import MachineError, NotFoundError, UsageError
from sealift.record.container import Mount
from sealift.testing.engine_bench import EngineBench, processes, unique, until

LABELS = {"sealift.project": "p", "sealift.version": "3"}
POLITE = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
DELAYS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.1, 0.3)
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


class IsolationSuite:
    """What a program in a container can and cannot do."""

    def test_the_exit_status_passes_through(self, bench: EngineBench) -> None:
        """Whatever the program says, and how long it took."""
        ended, _ = bench.run("sleep 0.1; exit 7")

        assert (ended.status, ended.timed_out) == (7, False)
        assert ended.seconds >= 0.1

    def test_both_outputs_are_appended_to_the_log(self, bench: EngineBench) -> None:
        """The log of an earlier container stays."""
        bench.log.write_text("before\n")
        bench.engine.run(bench.spec("echo out; echo err >&2"))

        assert bench.written().startswith("before\n")
        assert {"out", "err"} <= set(bench.written().split())

    def test_the_root_is_read_only_and_tmp_is_not(self, bench: EngineBench) -> None:
        """Nor can the kernel be written to through /proc, whoever started the container."""
        _, wrote = bench.run(
            "for f in / /bin /etc /opt /run /var/tmp /dev /sys /proc/sys/kernel /tmp /dev/shm; do"
            " touch $f/new 2>/dev/null && echo $f; done;"
            "cd /proc; for f in sys/kernel/core_pattern sys/vm/swappiness sysrq-trigger"
            " irq/default_smp_affinity; do [ -w $f ] && echo $f; done; exit 0"
        )

        assert wrote.split() == ["/tmp", "/dev/shm"]  # noqa: S108 -- inside the container

    def test_scratch_folders_are_empty_and_writable_and_nothing_else(
        self, bench: EngineBench
    ) -> None:
        """One that the image has, with what is in it hidden, and one that it has not."""
        _, wrote = bench.run(
            "for f in /opt /var/cache/deep /etc /var; do touch $f/new 2>/dev/null && echo $f; done;"
            "ls /opt /var/cache/deep; exit 0",
            scratch=("/opt", "/var/cache/deep"),
        )
        first, second, *listed = wrote.split()

        assert (first, second) == ("/opt", "/var/cache/deep")
        assert [word for word in listed if word == "new"] == ["new", "new"]

    def test_the_program_is_nobody(self, bench: EngineBench) -> None:
        """It is not root, has no capability, and cannot get any."""
        _, wrote = bench.run("id -u; cat /proc/self/status")
        uid, *status = wrote.splitlines()
        facts = dict(line.split(":\t") for line in status if line.startswith(("Cap", "NoNew")))

        assert int(uid) != 0
        assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {0}
        assert facts["NoNewPrivs"] == "1"

    def test_the_environment_is_what_was_asked_for(
        self, bench: EngineBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The image's variables, then the container's; nothing of the host's."""
        monkeypatch.setenv("SEALIFT_TEST_SECRET", "hush")
        odd = {"ODD": " a 'b' \"c\" $d #e \\ ", "EMPTY": "", "OF_IMAGE": "over"}
        _, wrote = bench.run('env; echo "[$ODD][$EMPTY]"', env=odd)

        assert "hush" not in wrote
        assert f"[{odd['ODD']}][]" in wrote
        assert {"OF_IMAGE=over", "ALSO=image", "HOME=/tmp"} <= set(wrote.splitlines())

    def test_no_descriptor_of_the_caller_is_open(self, bench: EngineBench) -> None:
        """Input, outputs, and the one that looks."""
        _, wrote = bench.run("ls /proc/self/fd")

        assert wrote.split() == ["0", "1", "2", "3"]

    def test_a_mount_appears_where_the_image_has_nothing(self, bench: EngineBench) -> None:
        """At new places at the top and inside the image's own folders, with the workdir there."""
        source = bench.folder / "source"
        (source / "inner").mkdir(parents=True)
        (source / "file").write_text("content\n")
        places = [Mount(source=str(source), target=f"/{name}") for name in ("project", "opt/a/b")]
        one = Mount(source=str(source / "file"), target="/etc/one")
        nested = Mount(source=str(source / "file"), target="/project/inner/deep")
        (source / "inner" / "deep").touch()
        ended, wrote = bench.run(
            "pwd; cat file /opt/a/b/file /etc/one inner/deep; ls /bin/sh; touch file",
            mounts=(nested, *places, one),
            workdir="/project",
        )

        assert wrote.split()[:6] == ["/project", *["content"] * 4, "/bin/sh"]
        assert ended.status != 0

    def test_what_a_container_writes_belongs_to_the_caller(self, bench: EngineBench) -> None:
        """It can add to and change what is in a writable mount, and the caller removes it all."""
        out = bench.folder / "out"
        (out / "old").mkdir(parents=True)
        (out / "old" / "file").write_text("old")
        ended, wrote = bench.run(
            "mkdir /out/new && echo new > /out/new/file && echo more > /out/old/file",
            mounts=(Mount(source=str(out), target="/out", writable=True),),
        )

        assert (ended.status, wrote) == (0, "")
        assert (out / "new" / "file").read_text() == "new\n"
        assert (out / "old" / "file").read_text() == "more\n"
        assert {path.stat().st_uid for path in out.rglob("*")} == {os.getuid()}
        shutil.rmtree(out)

    def test_without_a_network_the_hosts_loopback_is_out_of_reach(self, bench: EngineBench) -> None:
        """With the host's network it is not; a loopback of its own it has anyway."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            script = f"(: </dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo through; cat /etc/hosts"
            _, alone = bench.run(script, network="none")
            _, shared = bench.run(script, network="host")

        assert "through" not in alone
        assert "through" in shared
        assert "localhost" in alone

    def test_a_limit_is_enforced_or_said_to_be_lacking(self, bench: EngineBench) -> None:
        """No engine pretends."""
        spec = bench.spec("x=$(printf '%*s' 60000000 x); echo survived", memory=32 << 20)
        bench.engine.run(spec, timeout=60.0)
        lacking = bench.engine.guarantees().lacking(spec)

        assert ("survived" in bench.written()) == ("the memory limit" in lacking)


class RunSuite:
    """How containers that are waited for begin and end."""

    def test_a_container_that_takes_too_long_is_killed(self, bench: EngineBench) -> None:
        """With all its children, whatever they do about signals."""
        nap = unique()
        ended, _ = bench.run(f"trap '' TERM; sleep {nap} & sleep {nap}", timeout=0.5)

        assert ended.timed_out
        assert ended.status == 128 + signal.SIGKILL
        assert not processes(nap)

    def test_nothing_is_left_when_the_program_ends(self, bench: EngineBench) -> None:
        """A child that it put into the background ends with it."""
        nap = unique()
        ended, _ = bench.run(f"sleep {nap} & exit 0")

        assert ended.status == 0
        # the kernel ends what is in a namespace right after its first process, not before
        assert until(lambda: not processes(nap))

    def test_an_image_that_is_not_there_is_not_found(self, bench: EngineBench) -> None:
        """By neither way of starting; and nothing is left behind."""
        nowhere = of_bytes(b"no such image")
        with pytest.raises(NotFoundError):
            bench.engine.run(bench.spec("exit", image=nowhere))
        with pytest.raises(NotFoundError):
            bench.engine.start(bench.spec("exit", image=nowhere, labels=LABELS))

        assert bench.engine.find({}) == []

    def test_a_program_that_is_not_there_has_the_status_of_a_shell(
        self, bench: EngineBench
    ) -> None:
        """127, or 126 for what is no program."""
        assert bench.run("", argv=("no-such-program",))[0].status == 127
        assert bench.run("", argv=("/opt",))[0].status == 126
        assert bench.engine.find({}) == []

    def test_a_mount_that_cannot_be_is_refused(self, bench: EngineBench) -> None:
        """Before anything starts: no source, or no place for it."""
        gone = Mount(source=str(bench.folder / "gone"), target="/in")
        with pytest.raises(NotFoundError, match="nothing to mount"):
            bench.run("exit", mounts=(gone,))
        with pytest.raises(UsageError, match="no place for a mount"):
            bench.run("exit", mounts=(Mount(source=str(bench.folder), target="in"),))

        assert not (bench.folder / "gone").exists()


class LifeSuite(RunSuite):
    """How containers begin and end, also those that nobody waits for."""

    def test_a_program_that_is_not_there_cannot_be_started(self, bench: EngineBench) -> None:
        """``start`` says so in words, and leaves nothing."""
        with pytest.raises(MachineError, match="program cannot be run"):
            bench.engine.start(bench.spec("", argv=("no-such-program",), labels=LABELS))

        assert bench.engine.find({}) == []

    def test_a_started_container_outlives_its_starter_and_is_found(
        self, bench: EngineBench
    ) -> None:
        """By another process, by labels, with all that is known of it."""
        before = clock.now()
        starter = bench.elsewhere(f"engine.start(spec({POLITE!r}, labels={LABELS!r}))")
        assert starter.wait(60) == 0
        found = bench.engine.find({"sealift.version": "3"})

        assert [(one.name, one.image, one.labels) for one in found] == [
            ("bench", bench.image, LABELS)
        ]
        assert found[0].engine == bench.engine.name
        assert found[0].running
        assert before - 1 <= found[0].started <= clock.now()
        assert bench.engine.find({"sealift.version": "4"}) == []
        assert until(lambda: "up" in bench.written())
        bench.engine.stop(found[0], grace=10.0)

    def test_stop_lets_the_program_end_by_itself(self, bench: EngineBench) -> None:
        """It gets SIGTERM, and the time to act on it; afterwards it is forgotten."""
        container = bench.engine.start(bench.spec(POLITE, labels=LABELS))
        assert until(lambda: "up" in bench.written())
        begin = clock.monotonic()
        bench.engine.stop(container, grace=30.0)

        assert until(lambda: "bye" in bench.written())
        assert clock.monotonic() - begin < 15.0
        assert bench.engine.find({}) == []
        bench.engine.stop(container, grace=30.0)

    def test_stop_kills_what_does_not_end(self, bench: EngineBench) -> None:
        """After the grace, with all its children."""
        nap = unique()
        container = bench.engine.start(bench.spec(f"sleep {nap} & {STUBBORN}", labels=LABELS))
        assert until(lambda: "up" in bench.written() and processes(nap))
        begin = clock.monotonic()
        bench.engine.stop(container, grace=1.0)

        assert 1.0 <= clock.monotonic() - begin < 15.0
        assert until(lambda: not processes(nap))
        assert bench.engine.find({}) == []

    def test_a_container_that_ended_by_itself_is_found_until_it_is_stopped(
        self, bench: EngineBench
    ) -> None:
        """So that somebody can notice."""
        container = bench.engine.start(bench.spec("exit 3", labels=LABELS))

        assert until(lambda: [one.running for one in bench.engine.find(LABELS)] == [False])
        bench.engine.stop(container, grace=1.0)
        assert bench.engine.find({}) == []


class FaultSuite:
    """What holds when a process is killed in the worst moment; ``many`` is how often is often."""

    many = 20

    def test_a_container_dies_with_the_caller_of_run(self, bench: EngineBench) -> None:
        """Even when that is killed with -9."""
        nap = unique()
        caller = bench.elsewhere(f"engine.run(spec('sleep {nap} & sleep {nap}'))")
        assert until(lambda: len(processes(nap)) == 2)
        caller.kill()
        caller.wait()

        assert until(lambda: not processes(nap))
        assert bench.engine.find({}) == []
        assert bench.run("exit 5")[0].status == 5

    def test_killed_at_any_moment_run_leaves_nothing(self, bench: EngineBench) -> None:
        """Without anybody having to look after it."""
        naps = [_killed(bench, "run", delay) for delay in DELAYS]
        # Longer than anything needs to come up by itself, and all there is to be gone again.
        clock.sleep(3.0)

        assert not [nap for nap in naps if processes(nap)]
        assert bench.engine.find({}) == []
        assert bench.run("exit 4")[0].status == 4

    def test_killed_at_any_moment_start_leaves_nothing_that_is_not_found(
        self, bench: EngineBench
    ) -> None:
        """Either it runs and is found and can be stopped, or it does not run."""
        naps = [_killed(bench, "start", delay) for delay in DELAYS]
        clock.sleep(1.5)
        running = [one for one in bench.engine.find({}) if one.running]

        assert len(running) == len([nap for nap in naps if processes(nap)])
        for one in bench.engine.find({}):
            bench.engine.stop(one, grace=0.0)
        assert not [nap for nap in naps if processes(nap)]
        assert bench.engine.find({}) == []

    def test_many_quick_containers_leak_nothing(self, bench: EngineBench) -> None:
        """No descriptor, no process, no file."""
        bench.run("exit 0")
        before = _footprint(bench.folder)
        for number in range(self.many):
            assert bench.run(f"exit {number}")[0].status == number

        assert _footprint(bench.folder) == before
        assert bench.engine.find({}) == []


class EngineSuite(IsolationSuite, LifeSuite, FaultSuite):
    """All of it."""


def _killed(bench: EngineBench, way: str, delay: float) -> str:
    """Kill a process ``delay`` seconds after it began to start a container; how long that naps."""
    nap = unique()
    ready = bench.folder / nap
    code = f"open({str(ready)!r}, 'w').close()\n"
    caller = bench.elsewhere(f"{code}engine.{way}(spec('sleep {nap} & sleep {nap}'))")
    assert until(ready.exists)
    clock.sleep(delay)
    caller.kill()
    caller.wait()
    return nap


def _footprint(folder: Path) -> tuple[list[str], list[str]]:
    files = sorted(str(path) for path in folder.rglob("*"))
    return sorted(os.listdir("/proc/self/fd")), files  # noqa: PTH208 -- names, not paths


__all__ = ["EngineSuite", "FaultSuite", "IsolationSuite", "LifeSuite", "RunSuite"]
