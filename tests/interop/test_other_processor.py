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
from sealift.package import bytecode, locking, press

WORDS = ("sealift.container", "serve")
pytestmark = [pytest.mark.network, pytest.mark.engine]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image of the sums for the other processor."""
    root = tmp_path_factory.mktemp("arm") / "project"
    return interop_image.make_for(root, ARM)


@pytest.fixture(scope="module")
def python(image):
    """The words that start its interpreter, emulated, and the environment for that."""
    if locking.here() == ARM.platform:
        program = ()
    else:
        program = (str(emulator(downloads() / "emulator")), "-L", str(image))
    packages = next((image / "usr/local/lib").glob("python3.*"))
    env = {
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONHOME": str(image / "usr"),
        "PYTHONPATH": f"{image}/opt/sealift:{packages}/dist-packages",
    }
    return (*program, str(image / "usr/bin" / packages.name)), env


@pytest.fixture
def server(image, python, tmp_path):
    """Its server, emulated; the address."""
    words, env = python
    port = free_port()
    child = process.spawn(
        [*words, "-m", *WORDS, str(image / "model")],
        env={**env, "HOME": str(tmp_path), "SEALIFT_PORT": str(port)},
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


def test_the_compiled_part_is_loaded_there(python):
    """By the server's own words, which take none of another interface."""
    words, env = python
    code = "from sealift.serve.native import library; print(library().express_version())"
    done = process.run([*words, "-c", code], env=env, timeout=120)
    assert done.stdout.strip().isdigit(), done.stderr.decode()


def test_its_own_interpreter_would_have_made_the_same_bytecode(image, python, tmp_path):
    """What this machine's made for it, of its server and of its libraries, byte for byte."""
    words, env = python
    made = sorted(image.rglob("asyncio/__pycache__/*.pyc"))
    made += sorted((image / "opt/sealift/sealift/serve").glob("__pycache__/*.pyc"))
    made += sorted(image.rglob("__pycache__/functools.*.pyc"))
    names = {path: path.parents[1] / f"{path.name.partition('.')[0]}.py" for path in made}
    sources = {
        path.relative_to(image).as_posix(): path.read_bytes() for path in sorted(names.values())
    }
    bytecode.lay_out(sources, tmp_path / "in")
    argv = [*words, *press.OPTIONS, bytecode.PROGRAM, tmp_path / "in", tmp_path / "out"]
    done = process.run(argv, env={**env, "PYTHONHASHSEED": "5"}, timeout=300)
    assert (done.status, done.stderr) == (0, b"")
    unlike = [
        path.name
        for path in made
        if path.read_bytes() != (tmp_path / "out" / path.relative_to(image)).read_bytes()
    ]
    assert len(made) > 100
    assert unlike == []
