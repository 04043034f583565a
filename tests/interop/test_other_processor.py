"""An image for another processor, put together here, serves there: emulated by QEMU."""

import time
from pathlib import Path

import httpx
import interop_image
import pytest
from emulator import ARM, emulator

from sealift import process
from sealift.folders import downloads
from sealift.loopback import free_port
from sealift.package import locking

WORDS = ("sealift.container", "serve")
pytestmark = [pytest.mark.network, pytest.mark.engine]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image of the sums for the other processor."""
    root = tmp_path_factory.mktemp("arm") / "project"
    return interop_image.make_for(root, ARM)


@pytest.fixture
def server(image, tmp_path):
    """Its server, emulated; the address."""
    if locking.here() == ARM.platform:
        program = ()
    else:
        program = (str(emulator(downloads() / "emulator")), "-L", str(image))
    port = free_port()
    packages = next((image / "usr/local/lib").glob("python3.*"))
    child = process.spawn(
        [*program, str(image / "usr/bin" / packages.name), "-m", *WORDS, str(image / "model")],
        env={
            "HOME": str(tmp_path),
            "ORT_DISABLE_TELEMETRY": "1",
            "PYTHONHOME": str(image / "usr"),
            "PYTHONPATH": f"{image}/opt/sealift:{packages}/dist-packages",
            "SEALIFT_PORT": str(port),
        },
        log=tmp_path / "log",
    )
    yield f"http://127.0.0.1:{port}", child, tmp_path / "log"
    child.kill()
    child.wait()


def test_it_reproduces_the_golden_vectors_and_answers(server):
    """Ready only once it did; the numbers are those of the other processor."""
    address, child, log = server
    for _ in range(600):
        try:
            if httpx.get(f"{address}/v2/health/ready").status_code == 200:
                break
        except httpx.TransportError:
            pass
        assert child.poll() is None, Path(log).read_text()
        time.sleep(0.1)
    answer = httpx.post(f"{address}/predict", json={"rows": [{"a": 2, "b": 3}]})
    assert answer.json()["predictions"] == [5.0], answer.text
    assert '"event":"certified"' in Path(log).read_text()
