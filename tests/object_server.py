"""A real server of the S3 protocol on this machine: SeaweedFS, from its wheel."""

import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from sealift import clock, process
from sealift.adapters.caches.bucket import Bucket
from sealift.errors import MachineError
from sealift.loopback import free_port
from sealift.network.network import Network
from sealift.record.bucket import BucketPlace

KEYS = (
    '{"identities":[{"name":"team","credentials":[{"accessKey":"key","secretKey":"word"}],'
    '"actions":["Admin","Read","Write","List"]}]}'
)
PARTS = ("master", "volume", "filer", "s3")
PATIENCE = 90.0


class ObjectServer:
    """A server at ``port``; a bucket is made when something is first put into it."""

    def __init__(self, port):
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "word",
            "HOME": "/nonexistent",
        }

    def bucket(self, prefix):
        """The objects below a prefix."""
        return Bucket(
            BucketPlace(address=f"s3://team/{prefix}"), Network(environment=self.environment)
        )


@contextmanager
def serving(folder):
    """Run one on free ports, with its files in ``folder``."""
    child, ports = None, set()
    try:
        for _ in range(3):  # somebody else may take a port before it does
            ports = set()
            while len(ports) < 2 * len(PARTS):
                ports.add(free_port())
            child, port = _started(folder, sorted(ports))
            if _ready(ObjectServer(port), child):
                break
        else:
            raise AssertionError((folder / "log").read_text()[-3000:])
        yield ObjectServer(port)
    finally:
        if child is not None:
            child.send_signal(signal.SIGKILL)
            child.wait()
        for port in ports:  # what it leaves, killed or not
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder, ports):
    """A server, and its port."""
    (folder / "keys.json").write_text(KEYS)
    # it dies with the tests, however they end
    words = ["setpriv", "--pdeathsig", "KILL", Path(sys.executable).with_name("weed")]
    words += ["server", f"-dir={folder}", "-ip=127.0.0.1"]
    words += ["-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 'keys.json'}"]
    words += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    words += ["-volume.max=4", "-master.volumeSizeLimitMB=64"]
    given = iter(ports)
    for part in PARTS:
        words += [f"-{part}.port={next(given)}", f"-{part}.port.grpc={next(given)}"]
    child = process.spawn(words, log=folder / "log", cwd=folder)
    return child, ports[2 * PARTS.index("s3")]


def _ready(server, child):
    """Wait until something can be written; false where it ended before."""
    deadline = clock.monotonic() + PATIENCE
    while child.poll() is None and clock.monotonic() < deadline:
        try:
            server.bucket("ready").put("file", b"", replace=True)
        except MachineError:
            clock.sleep(0.1)
        else:
            return True
    child.kill()
    child.wait()
    return False
