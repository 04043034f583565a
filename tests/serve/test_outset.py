"""How a server starts: the collector rests, and libraries bring what is wanted of them."""

import os
import shutil
import subprocess
import sys

import pytest

from sealift.serve import ahead

SETTLED = """
import os, sys
from pathlib import Path
from sealift.serve import outset
assert "numpy" not in sys.modules
outset.settle(Path(sys.argv[1]))
import sealift.serve.server
import numpy
tells = bool(numpy.ndarray.sum.__doc__)
encrypts = "libssl" in Path("/proc/self/maps").read_text()
print(len(os.listdir("/proc/self/task")), encrypts, tells, os.environ.get(outset.BLAS))
"""

AHEAD = """
import os, sys
from pathlib import Path
from sealift.serve import ahead
ahead.begin()()
places = [str(one) for one in ahead.libraries()]
mapped = Path("/proc/self/maps").read_text()
print(len(places), all(one in mapped for one in places))
print(*(name for name in ("numpy", "onnxruntime") if name in sys.modules))
threads = len(os.listdir("/proc/self/task"))
import numpy, onnxruntime
print(numpy.ones(2).sum(), bool(onnxruntime.get_available_providers()), threads)
"""

LOADED = """
import sys
from sealift.serve import remote, server
print(*sorted(name for name in sys.argv[1:] if name in sys.modules))
remote.load()
print("hpack" in sys.modules)
"""

ENTRY = """
import gc, sys
from sealift import container
assert container.main(sys.argv[1:]) == 2
print(gc.isenabled())
"""

CREW = """
import gc, os, signal, time
from sealift import process
from sealift.serve.board import Board
from sealift.serve.crew import Crew

gc.disable()
inner, outer = os.pipe()

def tell():
    os.write(outer, b"on" if gc.isenabled() else b"off")

def porter(number, opened):
    tell()
    process.take_signals((signal.SIGTERM,))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()

def worker(number, opened):
    tell()
    until = time.monotonic() + 10
    while board.porter.get("pid") and time.monotonic() < until:
        time.sleep(0.01)
    os.write(outer, b" %d" % board.porter.get("pid"))
    os.kill(os.getppid(), signal.SIGTERM)
    return 0

board = Board(1)
crew = Crew(board, bind=lambda: (), hang=0, patience=5)
crew.meet(porter)
print(os.read(inner, 16).decode(), board.porter.get("pid") > 0)
crew.dismiss()
print(board.porter.get("pid"))
crew.meet(porter)
print(os.read(inner, 16).decode(), board.porter.get("pid") > 0)
crew.excuse()
crew.run(worker)
print(os.read(inner, 16).decode(), "on" if gc.isenabled() else "off")
"""


def said(program, *arguments, **more):
    """What a program prints."""
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, env=env | more, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_server_of_onnx_models_leaves_out_what_it_does_not_use(tensor_folder, tmp_path):
    """Threads of numpy, OpenSSL, what numpy tells of itself; of one model, and of several."""
    shutil.copytree(tensor_folder, tmp_path / "several" / "toy")

    for folder in (tensor_folder, tmp_path / "several"):
        assert said(SETTLED, folder) == ["1", "False", "False", "1"]


@pytest.mark.parametrize("code", ["code", "toy/code"])
def test_a_program_keeps_all_of_that(code, tmp_path):
    """Whether it is alone or one of several models."""
    (tmp_path / code).mkdir(parents=True)

    assert said(SETTLED, tmp_path)[1:] == ["True", "True", "None"]


def test_who_sets_the_number_of_threads_is_heeded(tensor_folder):
    """The operator knows why."""
    assert said(SETTLED, tensor_folder, OPENBLAS_NUM_THREADS="3")[-1] == "3"


def test_libraries_are_loaded_while_no_module_of_theirs_is():
    """By a thread of which the kernel knows no more by then; the modules work as ever."""
    assert said(AHEAD, OPENBLAS_NUM_THREADS="1") == ["2", "True", "2.0", "True", "1"]


@pytest.mark.parametrize("card", [False, True])
def test_an_onnxruntime_for_graphics_cards_is_left_to_itself(card, tmp_path, monkeypatch):
    """It looks for the libraries of CUDA first; and what cannot be loaded harms nobody."""
    folder = tmp_path / "onnxruntime" / "capi"
    folder.mkdir(parents=True)
    (tmp_path / "onnxruntime" / "__init__.py").touch()
    library = folder / "onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so"
    library.write_bytes(b"no library")
    if card:
        (folder / "libonnxruntime_providers_cuda.so").touch()
    monkeypatch.syspath_prepend(tmp_path)

    assert (library in ahead.libraries()) is not card
    ahead.begin()()


def test_a_start_loads_nothing_that_only_some_requests_need():
    """Neither gRPC nor Arrow, nor what finds the nearest word or the place of a fault, nor what
    writes the OpenAPI document; gRPC where it has a port."""
    grpc = ("hpack", "sealift.serve.rpc.desk")
    arrow = ("flatbuffers", "sealift.serve.arrow.stream")

    assert said(LOADED, *grpc, *arrow, "difflib", "json", "sealift.serve.openapi") == ["True"]


@pytest.mark.parametrize(("word", "rests"), [("serve", True), ("learn", False)])
def test_the_collector_rests_while_a_server_starts_only(word, rests):
    """Until something ends it, as a word too many does here."""
    told = said(ENTRY, word, "a", "b", "c")

    assert told[-1] == str(not rests)


def test_the_collector_is_awake_in_all_who_serve():
    """In the porter, in workers, and in their parent; a porter that was dismissed is off the board,
    however fast it ended, and one that was excused is so soon, while a worker begins.
    """
    told = [word for word in said(CREW) if not word.startswith("{") and ":" not in word]

    assert told == ["on", "True", "0.0", "on", "True", "on", "0", "on"]
