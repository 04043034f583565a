"""The only place that starts a child process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from sealift import clock
from sealift.errors import MachineError

_PR_SET_PDEATHSIG = 1

_GLANCE = 0.02
"""Seconds between looks at a process that is to end, where the kernel does not tell."""


class Finished(NamedTuple):
    """How a child ended: its exit status (negative: killed by that signal) and its output."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last newline."""
        return self.stdout.decode(errors="replace").rstrip("\n")


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Run to the end and keep both outputs; a bad status is the caller's to judge.

    Raises ``MachineError`` when the program is missing or still runs after ``timeout`` seconds
    (it is then killed).
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, env=env, cwd=cwd, timeout=timeout, input=stdin, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise MachineError(
            f"The program {words[0]!r} is not on this machine.",
            remedy="Run `sealift doctor` to see what is missing.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise MachineError(
            f"{words[0]!r} did not finish within {timeout:g} seconds.", where=" ".join(words)
        ) from error
    return Finished(done.returncode, done.stdout, done.stderr)


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    detach: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start in the background with both outputs appended to ``log``.

    ``detach`` puts the child in a session of its own, so that it outlives this process and its
    terminal.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        return subprocess.Popen(
            [str(word) for word in argv],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=detach,
            pass_fds=pass_fds,
        )


def fork(work: Callable[[], int], *, held: Collection[signal.Signals] = ()) -> int:
    """Part: a child, with all that is in memory, does ``work`` and ends with its status.

    Gives the child's id. The child gets SIGTERM when this process ends; the signals ``held``
    wait until it asks for them with ``take_signals``. Raises ``MachineError`` where there is no
    room for a process, and when another thread of Python's runs: what that thread holds, a lock
    for one, would stay held in the child for ever.
    """
    if threading.active_count() > 1:
        raise MachineError("A process with several threads cannot be divided.")
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        pid = os.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise MachineError(f"No further process can be started: {error.strerror}.") from error
    if not pid:
        _live(work, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _live(work: Callable[[], int], parent: int) -> NoReturn:
    """What a child does."""
    status = 70
    try:
        _die_with(parent)
        status = work()
    except BaseException as error:  # noqa: BLE001  the child must not go on as its parent
        sys.excepthook(type(error), error, error.__traceback__)
    exit_now(status)


def take_signals(held: Collection[signal.Signals]) -> None:
    """Let the signals through that ``fork`` has held back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, held)


def _die_with(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent ends (prctl(2)); now, if it has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def threads() -> int:
    """How many threads this process has, those of native libraries included."""
    return len(list(Path("/proc/self/task").iterdir()))


def ended() -> list[tuple[int, int]]:
    """Ids and statuses of children that ended since (negative: killed by that signal)."""
    found: list[tuple[int, int]] = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            found.append((pid, os.waitstatus_to_exitcode(status)))
    return found


def leave(child: subprocess.Popen[bytes]) -> int:
    """Part with a detached child that is to outlive this process; the id that it keeps.

    Nobody here waits for it any more: ``end`` takes it out of the process table, or init does.
    """
    child.returncode = 0  # else its object would complain, when dropped, that the child still runs
    return child.pid


def exit_now(status: int) -> NoReturn:
    """End this process with ``status``, what it printed flushed, the interpreter not torn down.

    For processes whose servers keep native threads: a native thread that asks for the interpreter
    while it is torn down is unwound by force, which aborts the process (Python before 3.14).
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def wait(child: subprocess.Popen[bytes], timeout: float | None) -> int | None:
    """The exit status of a child (negative: killed by that signal); None if it still runs.

    Waits ``timeout`` seconds at most; None waits for ever. The end is told by the kernel, not
    looked for.
    """
    if timeout is not None and child.poll() is None and not _ended(child.pid, timeout):
        return child.poll()
    return child.wait()


def _ended(pid: int, seconds: float) -> bool:
    """Whether a process that is there ends within so many seconds; the kernel tells when it does.

    Raises ``OSError`` where there is none, or where the kernel does not tell (emulators).
    """
    handle = os.pidfd_open(pid)
    try:
        ending = select.poll()
        ending.register(handle, select.POLLIN)
        return bool(ending.poll(max(0.0, seconds) * 1000.0))
    finally:
        os.close(handle)


def children(threads: Iterable[int]) -> list[int]:
    """The ids of the processes that these threads of ours started and that have not ended."""
    found: list[int] = []
    for thread in tuple(threads):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/self/task/{thread}/children").read_text().split()
            found.extend(int(word) for word in words)
    return found


def started(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot; None when there is none.

    A process id can be given out again; together with this it names one process for good. One
    whose first thread has ended lives, and keeps its ports, until the others have ended too.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ended = fields[0] == "Z" and int(fields[17]) <= 1
    return None if ended else int(fields[19])


def me() -> tuple[int, int] | None:
    """This process: its id, and when it started."""
    start = started(os.getpid())
    return None if start is None else (os.getpid(), start)


def alive(pid: int, start: int | None) -> bool:
    """Whether the process ``pid`` that began at ``start`` still runs (a zombie does not)."""
    return start is not None and started(pid) == start


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty when it cannot be read."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.partition("=") for item in raw.decode(errors="replace").split("\0") if item)
    return {name: value for name, _, value in pairs}


def end(pid: int, start: int | None, grace: float) -> bool:
    """Ask a process to end, wait up to ``grace`` seconds, then kill it; true when it is gone."""
    _reap(pid)
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if not alive(pid, start):
            return True
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline = clock.monotonic() + patience
        while alive(pid, start) and clock.monotonic() < deadline:
            try:
                _ended(pid, _GLANCE)
            except OSError:
                clock.sleep(_GLANCE)
        _reap(pid)
    return not alive(pid, start)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


__all__ = [
    "Finished",
    "alive",
    "children",
    "end",
    "ended",
    "environment",
    "exit_now",
    "fork",
    "leave",
    "me",
    "run",
    "spawn",
    "started",
    "take_signals",
    "threads",
    "wait",
]
