"""Containers in user namespaces: no daemon, no root, started in hundredths of a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from threading import Thread

from sealift import clock, process
from sealift.adapters.engines import bwrap_files, bwrap_marks, bwrap_program, marks
from sealift.adapters.engines.bwrap_args import arguments
from sealift.adapters.engines.bwrap_census import Census, kill
from sealift.adapters.engines.bwrap_launch import Launched, launched
from sealift.adapters.engines.bwrap_marks import Marked
from sealift.adapters.engines.bwrap_names import names
from sealift.adapters.engines.cdi import Devices
from sealift.adapters.engines.cdi_injection import injection
from sealift.adapters.engines.environment import environment, of_image
from sealift.adapters.engines.lease import Guard
from sealift.adapters.engines.marks import Mark
from sealift.adapters.engines.mounts import mounts
from sealift.errors import MachineError
from sealift.ports import Store
from sealift.record.container import Container, ContainerSpec, Exit, Guarantees
from sealift.types import Digest

START = 30.0
"""Seconds within which a sandbox must be up."""

POLL = 0.002
"""Seconds between two looks at a sandbox that comes up or goes down."""


class Bubblewrap:
    """The engine on top of bubblewrap.

    ``live`` is the folder for what belongs to running containers, ``args`` are further options for
    bubblewrap. A container that ``run`` starts is killed by the kernel as soon as the calling
    thread is gone; in the first hundredths of a second of its life a watchdog, which all of them
    share, does that instead, within three seconds; and if that is killed as well, the first ``run``
    of another process or the next ``find`` does. A
    container that ``start`` starts belongs to nobody; it is found by a mark that its processes
    carry, so that neither a lost file nor a reused process id can mislead.

    Cores are a choice of where a container runs, which its program may widen, and memory is not
    limited: both would need a writable control group.
    """

    def __init__(
        self,
        store: Store,
        live: Path,
        args: Sequence[str] = (),
        devices: Devices | None = None,
    ) -> None:
        self._store = store
        self._live = live.absolute()
        self._args = tuple(args)
        self._devices = devices or Devices()
        self._census = Census(self._live)
        self._guard = Guard("/bin/sh", "-c", bwrap_marks.REMOVE, "sh")
        self._found: Path | None = None
        self._images: dict[Digest, tuple[Path, dict[str, str]]] = {}

    @property
    def name(self) -> str:
        """Its name in the project file."""
        return "bubblewrap"

    @staticmethod
    def probe() -> None:
        """Start an empty container. Raises ``MachineError`` that says what is refused."""
        bwrap_program.probe()

    def guarantees(self) -> Guarantees:
        """What it enforces on this machine."""
        return Guarantees(
            network_isolated=True,
            memory_limited=False,
            cpu_limited=False,
            survives_caller=True,
            gpus=self._devices.count(),
        )

    def run(self, spec: ContainerSpec, *, timeout: float | None = None) -> Exit:
        """Run to the end; blocks. The container dies with the caller, however that dies.

        Raises ``MachineError`` when the container could not be set up.
        """
        begin = clock.monotonic()
        with (
            self._options(spec) as options,
            self._census.cores(spec.cpus) as cores,
            launched(
                self._program(),
                options,
                spec.argv,
                mark=marks.new(spec, self._live, cores=cores, lease=self._guard.name()),
                log=Path(spec.log),
                detach=False,
            ) as sandbox,
        ):
            try:
                ended = process.wait(sandbox.child, timeout)
            finally:
                _bury(sandbox)
            status = sandbox.status()
        seconds = clock.monotonic() - begin
        return Exit(status=status, seconds=seconds, timed_out=ended is None)

    def start(self, spec: ContainerSpec) -> Container:
        """Start in the background; it outlives the caller. Returns once its program runs.

        Raises ``MachineError`` when the container could not be set up, or has no such program.
        """
        mark = marks.new(spec, self._live, cores=self._census.cores_now(spec.cpus))
        with self._options(spec) as options:
            bwrap_files.keep(mark)
            running, child = self._detached(spec, options, mark)
        # Whoever starts a process must ask for its end, or it stays in the process table.
        Thread(target=child.wait, daemon=True).start()
        return mark.container(engine=self.name, running=running)

    def _detached(
        self, spec: ContainerSpec, options: Sequence[str], mark: Mark
    ) -> tuple[bool, Popen[bytes]]:
        """Start what outlives the caller: whether it runs by now, and its monitor."""
        try:
            with launched(
                self._program(),
                options,
                spec.argv,
                mark=mark,
                log=Path(spec.log),
                detach=True,
            ) as sandbox:
                return _up(sandbox), sandbox.child
        except BaseException:
            bwrap_files.forget(mark)
            raise

    def stop(self, container: Container, *, grace: float) -> None:
        """SIGTERM to its program, SIGKILL to all of it after ``grace`` seconds, then forget it."""
        ours = [one for one in self._census.living() if one.mark.id == container.id]
        for one in ours:
            program = one.program() if one.init else None
            if program is not None:
                process.end(*program, grace)
        kill(ours)
        for mark in bwrap_files.kept(self._live):
            if mark.id == container.id:
                bwrap_files.forget(mark)

    def find(self, labels: dict[str, str]) -> list[Container]:
        """Every container it started for this project, by whatever process, with these labels.

        One that has ended is among them, until it is stopped.
        """
        living = self._census.sweep()
        known = {mark.id: mark for mark in bwrap_files.kept(self._live)}
        known |= {one.mark.id: one.mark for one in living}
        return [
            mark.container(
                engine=self.name,
                running=any(_runs(one) for one in living if one.mark.id == mark.id),
            )
            for mark in sorted(known.values(), key=lambda mark: (mark.started, mark.id))
            if mark.caller is None and labels.items() <= mark.labels.items()
        ]

    def _program(self) -> Path:
        if self._found is None or not self._found.is_file():
            self._found = bwrap_program.locate()
        return self._found

    @contextmanager
    def _options(self, spec: ContainerSpec) -> Iterator[list[str]]:
        """The options of its sandbox, with graphics cards that are its own within the block."""
        root, image_env = self._image(spec.image)
        with self._devices.lent(spec.gpus) as given:
            cards = injection(given.edits, image_env)
            env = environment({**image_env, **cards.env}, spec)
            bwrap_program.check_words([*spec.argv, *env, *env.values()], spec.name)
            yield arguments(
                spec,
                root=root,
                env=env,
                mounts=[*names(spec.network, self._live), *cards.mounts, *mounts(spec)],
                cards=cards,
                extra=self._args,
            )

    def _image(self, image: Digest) -> tuple[Path, dict[str, str]]:
        """The unpacked root of an image and its variables, read and checked once."""
        known = self._images.get(image)
        if known is None or not known[0].is_dir():
            variables = of_image(self._store, image)
            known = self._store.rootfs(image).absolute(), variables
            self._images[image] = known
        return known


def _runs(one: Marked) -> bool:
    # The monitor leaves with the program; only when it was killed does the init tell more.
    return not one.init or one.program() is not None


def _up(sandbox: Launched) -> bool:
    """Wait until the program runs: true, or false if it has ended already."""
    try:
        ended = _watch(sandbox)
    except BaseException:
        _bury(sandbox)
        raise
    if ended and not sandbox.began():
        raise sandbox.failure()
    return not ended


def _watch(sandbox: Launched) -> bool:
    """Wait until the program runs (false) or the monitor has ended (true)."""
    deadline = clock.monotonic() + START
    while clock.monotonic() < deadline:
        if sandbox.child.poll() is not None:
            return True
        init = bwrap_marks.marked(sandbox.init() or 0)
        if init is not None and init.program() is not None:
            return False
        clock.sleep(POLL)
    raise MachineError(f"The container did not come up within {START:g} seconds.")


def _bury(sandbox: Launched) -> None:
    """End the monitor and wait until nothing of the sandbox is left."""
    if sandbox.child.poll() is None:
        sandbox.child.kill()
        sandbox.child.wait()
    init = sandbox.init()
    found = bwrap_marks.marked(init) if init is not None else None
    if found is not None and found.mark.id == sandbox.mark.id:
        kill([found])
    elif init is None:
        kill([one for one in bwrap_marks.everywhere() if one.mark.id == sandbox.mark.id])
    else:
        _wait(init)


def _wait(init: int) -> None:
    """Wait for an init that ends, whose memory is gone: the kernel ends all others before it."""
    deadline = clock.monotonic() + START
    while process.started(init) is not None and not _memory(init):
        if clock.monotonic() > deadline:
            return
        clock.sleep(POLL)


def _memory(pid: int) -> bool:
    """Whether this process has any; one that may not be looked at is somebody else's."""
    try:
        return bool(Path(f"/proc/{pid}/environ").read_bytes())
    except ProcessLookupError:  # what newer kernels say of one without
        return False
    except OSError:
        return True


__all__ = ["Bubblewrap"]
