"""The model of the dynamic linker answers as the real one does."""

import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
from elves import library
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.package import elf, ldcache
from sealift.package.filetree import FileTree
from sealift.package.inventory import Inventory
from sealift.package.linker import MACHINES, Linker
from sealift.package.locking import here

MACHINE = MACHINES[here()]
ARCH = here().rpartition("/")[2]


def nowhere(*_):
    """Nothing is known beside the search."""


def inventory(*folders, cached=None):
    """What lies in folders of this machine and in its cache, with the links that lead there."""
    files, links, elves, seen = [], {}, {}, set()
    cached = cached or {}
    waiting = [*folders, *map(Path, cached.values())]
    while waiting:
        path = waiting.pop()
        for part in (*reversed(path.parents), path):
            if part in seen or (part.is_dir() and not part.is_symlink() and part != path):
                continue
            seen.add(part)
            name = str(part)[1:]
            if part.is_symlink():
                links[name] = str(part.readlink())
                waiting.append(part.parent / links[name])
            elif part.is_dir():
                waiting += part.iterdir() if part in folders else ()
            elif part.is_file():
                files.append(name)
                with part.open("rb") as file:
                    if file.read(4) == elf.MAGIC:
                        elves[name] = elf.read(file)
    return Inventory(files=tuple(files), links=links, elves=elves, cached=cached)


def told(path):
    """What the real linker says: libraries by the names they were asked for, None if missing."""
    loader = f"/{MACHINE.interpreter}"
    done = subprocess.run(
        [loader, path],
        env={"LD_TRACE_LOADED_OBJECTS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {}
    for line in done.stdout.splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if arrow:
            missing = place == "not found"
            found[name] = None if missing else os.path.realpath(place.rpartition(" (")[0])
    return found


def modelled(tree, path):
    """The same by the model, in the order of loading."""
    loaded = Linker(tree, MACHINE, nowhere).load(str(path)[1:])
    found = {}
    for need in loaded.needs:
        place = f"/{need.found}" if need.found else None
        if place is None or place not in found.values():
            found.setdefault(need.name, place)
    # the real one does not list itself and the root in this form
    unlisted = (os.path.realpath(f"/{MACHINE.interpreter}"), str(path))
    return {name: place for name, place in found.items() if place not in unlisted}


def test_the_modules_of_python_and_numpy_load_what_the_real_linker_loads():
    """Every extension module of the interpreter, and every file of numpy, on this machine."""
    modules = Path(sysconfig.get_config_var("DESTSHARED"))
    packages = Path(np.__file__).parent
    files = [*modules.glob("*.so"), *packages.rglob("*.so")]
    folders = [modules, packages.parent / "numpy.libs", *(path.parent for path in files)]
    folders += [Path("/") / folder for folder in MACHINE.folders[:2]]
    cache = Path("/") / ldcache.PLACE
    cached = ldcache.read(cache.read_bytes()) if cache.exists() else {}
    tree = FileTree([inventory(*dict.fromkeys(folders), cached=cached)])
    chosen = [path.resolve() for path in files if str(path.resolve())[1:] in tree.elves]
    assert len(chosen) > 20
    for path in chosen[:: max(1, len(chosen) // 60)]:
        assert modelled(tree, path) == told(path), path


NAMES = [f"libtree-{letter}.so" for letter in "abcde"]
PLACES = ("", "one", "two", "one/deep")
PATHS = (
    "",
    "$ORIGIN",
    "${ORIGIN}/../one",
    "$ORIGIN/one:$ORIGIN/two",
    "$ORIGIN/link",
    "$ORIGIN/deep",
)
files = st.fixed_dictionaries(
    {
        "place": st.sampled_from(PLACES),
        "needed": st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        "soname": st.sampled_from(["", *NAMES]),
        "rpath": st.sampled_from(PATHS),
        "runpath": st.sampled_from(("", "", *PATHS)),
        "other": st.booleans(),
    }
)


@settings(max_examples=120, deadline=None)
@given(root=files, others=st.lists(st.tuples(st.sampled_from(NAMES), files), max_size=7))
def test_search_paths_mean_what_they_mean_to_the_real_linker(tmp_path_factory, root, others):
    """RPATH is inherited, RUNPATH is not; names that are loaded, links, other machines."""
    folder = tmp_path_factory.mktemp("tree").resolve()
    for place in PLACES:
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "link").symlink_to("one/deep")
    foreign = "arm64" if ARCH == "amd64" else "amd64"
    for name, how in [*others, ("root.so", root)]:
        other = how["other"] and name != "root.so"
        data = library(
            *how["needed"],
            soname=how["soname"],
            rpath=how["rpath"],
            runpath=how["runpath"],
            machine=foreign if other else ARCH,
        )
        (folder / how["place"] / name).write_bytes(data)
    tree = FileTree([inventory(*(folder / place for place in (*PLACES, "link")))])
    path = folder / root["place"] / "root.so"
    assert modelled(tree, path) == told(path)
