"""A project with nothing but a name, and what runs for it."""

import os
import signal
from pathlib import Path

from sealift import clock, control, process
from sealift.control import daemon
from sealift.record.container import ContainerSpec
from sealift.testing.engine_image import host_image
from sealift.wiring import Wired


class Talk:
    """Nobody listens."""

    def step(self, name, status):
        """Say nothing."""

    def say(self, text):
        """Say nothing."""


class Site:
    """A project's folder, and its background processes."""

    def __init__(self, root):
        self.root = root
        (root / "sealift.toml").write_text('name = "svc"\n')

    def up(self):
        """Start or repair everything."""
        return control.up(self.root, progress=Talk())

    def down(self):
        """End everything."""
        return control.down(self.root, progress=Talk())

    def status(self):
        """What runs."""
        return control.status(self.root)

    @property
    def controller(self):
        """The controllers that run."""
        return [one.pid for one in daemon.controller(self.root).find()]

    @property
    def api(self):
        """The processes of the API that run."""
        return [one.pid for one in daemon.api(self.root).find()]

    @property
    def router(self):
        """The routers that run."""
        return [one.pid for one in marked(self.root, b"SEALIFT_ROUTER=")]

    def kill(self, *names):
        """End some of them as a crash would."""
        for name in names:
            for pid in getattr(self, name):
                start = process.started(pid)
                os.kill(pid, signal.SIGKILL)
                assert wait(lambda pid=pid, start=start: not process.alive(pid, start))

    def replica(self):
        """A container as the controller starts them, which sleeps."""
        wired = Wired(self.root)
        labels = {"sealift.project": str(self.root), "sealift.service": "other"}
        spec = ContainerSpec(
            name="other-v1",
            image=host_image(wired.store),
            argv=("/bin/sleep", "600"),
            labels=labels | {"sealift.version": "1"},
            log=str(wired.folders.live / "other.log"),
        )
        return wired.engine.start(spec)

    def left(self):
        """Every process that has anything to do with the project."""
        return [one.pid for one in marked(self.root, b"")]


class Found:
    """A process that names the project in its environment or its arguments."""

    def __init__(self, pid):
        self.pid = pid


def marked(root, name):
    """Processes whose environment or arguments have a value with the folder in it."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        there = process.started(int(entry.name)) is not None
        if there and str(root).encode() in said and name + str(root).encode() in said:
            yield Found(int(entry.name))


def wait(holds, seconds=20.0):
    """Until something holds; whether it does."""
    deadline = clock.monotonic() + seconds
    while not holds() and clock.monotonic() < deadline:
        clock.sleep(0.05)
    return holds()


__all__ = ["Site", "wait"]
