"""Compiled code for each level of a processor: the best that runs, and the same answers by all."""

import os
import shutil
import sys
from pathlib import Path

import hatch_build
import sealift
from sealift import process
from sealift.package import compiled
from sealift.serve import native

HERE = Path(__file__).parent
V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}
"""What x86-64-v3 has beyond v2, in the words of the kernel; it calls LZCNT abm."""


def flags() -> set[str]:
    """What the kernel says that the processor has; of one of another kind nothing."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


def test_all_that_is_compiled_is_packaged_and_looked_for():
    """By the same names."""
    made = {f"express-{one}.so" for one in hatch_build.PROCESSORS}
    assert {name for names in native.LIBRARIES.values() for name in names} == made
    assert sorted(compiled.LIBRARIES.values()) == sorted(native.LIBRARIES.values())


def test_the_best_that_runs_here_is_loaded():
    """The level is the one that the kernel tells of, too."""
    loaded = native.library()
    assert loaded
    names = native.LIBRARIES[os.uname().machine]
    assert Path(loaded._name).name == names[flags() >= V3]


def test_what_runs_everywhere_reads_and_writes_the_same(tmp_path):
    """The tests of compiled code, where nothing is there for higher levels."""
    installed = tmp_path / "sealift"
    shutil.copytree(Path(sealift.__file__).parent, installed)
    lowest = {names[0] for names in native.LIBRARIES.values()}
    for library in (installed / "serve").glob("express-*.so"):
        if library.name not in lowest:
            library.unlink()
    told = "import sealift.serve.native as n; print(n.library()._name, n.__file__)"
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{HERE.parent.parent}"}
    used = process.run([sys.executable, "-c", told], env=env, timeout=60).stdout.decode().split()
    tests = [str(path) for path in sorted(HERE.glob("test_native_*.py")) if path != Path(__file__)]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]

    done = process.run(words, env=env, timeout=600)

    assert [Path(one).parent for one in used] == [installed / "serve"] * 2
    assert Path(used[0]).name in lowest
    assert done.status == 0, done.stdout.decode()
