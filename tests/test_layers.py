"""The floors of DESIGN: a module imports lower floors only, and nothing goes round in a circle."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "sealift"
FLOORS = (
    (
        "types",
        "whole",
        "errors",
        "digest",
        "clock",
        "process",
        "folders",
        "retired",
        "archive",
        "logs",
        "loopback",
        "secrets",
        "curves",
    ),
    ("record", "stats", "formats"),
    ("ports", "attestation", "network", "modelpack", "kubernetes", "layers"),
    ("data", "train", "package", "check", "release", "watch", "serve", "adapters", "testing"),
    (
        "wiring",
        "versions",
        "registration",
        "naming",
        "lineage",
        "sharing",
        "journey",
        "packing",
        "remaking",
        "targets",
        "proving",
        "reproducing",
        "contrasting",
        "recording",
        "auditing",
        "compiling",
        "deploying",
        "intake",
        "container",
        "doctor",
        "control",
    ),
    ("cli", "web"),
)


def modules():
    """Every module of the package, by dotted name below it."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield ".".join(path.relative_to(SOURCE).with_suffix("").parts), path


def imports(path):
    """What a module imports of the package, inside functions too, below the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sealift":
            inner = (node.module or "").split(".")[1:]
            yield from [[*inner, *([] if inner else [alias.name])] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from [name[1:] for name in names if name[0] == "sealift" and len(name) > 1]


def floor(room):
    """The number of the floor that a room of the package is on."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_a_module_imports_only_lower_floors_or_its_own_room(name, path):
    """The six stages, the server and the adapters never import each other."""
    room = name.split(".")[0]
    if room in ("__init__", "__main__"):
        return
    for target in imports(path):
        if target[0] in (room, "__version__"):
            continue
        assert floor(target[0]) <= floor(room), f"{name} imports {'.'.join(target)}, a higher floor"
        if floor(target[0]) == floor(room) and floor(room) >= 3:
            allowed = (room, target[0]) in {
                ("journey", "wiring"),
                ("packing", "wiring"),
                ("versions", "wiring"),
                ("packing", "versions"),
                ("journey", "versions"),
                ("control", "versions"),
                ("journey", "registration"),
                ("journey", "proving"),
                ("registration", "wiring"),
                ("naming", "wiring"),
                ("naming", "versions"),
                ("journey", "naming"),
                ("lineage", "wiring"),
                ("lineage", "versions"),
                ("sharing", "wiring"),
                ("sharing", "versions"),
                ("remaking", "wiring"),
                ("proving", "wiring"),
                ("proving", "targets"),
                ("remaking", "versions"),
                ("reproducing", "wiring"),
                ("contrasting", "wiring"),
                ("recording", "wiring"),
                ("auditing", "wiring"),
                ("auditing", "reproducing"),
                ("compiling", "wiring"),
                ("compiling", "versions"),
                ("compiling", "packing"),
                ("deploying", "wiring"),
                ("deploying", "compiling"),
                ("intake", "wiring"),
                ("intake", "journey"),
                ("control", "wiring"),
                ("control", "journey"),
                ("doctor", "wiring"),
            }
            assert allowed, f"{name} imports {'.'.join(target)}, a neighbour on its floor"


def test_no_module_reaches_itself_through_its_imports():
    """There is no cycle, however long."""
    names = {name for name, _ in modules()}
    graph = {
        name: {
            dotted
            for target in imports(path)
            for dotted in (".".join(target), ".".join(target[:-1]))
            if dotted in names and dotted != name
        }
        for name, path in modules()
    }
    done, trail = set(), []

    def visit(name):
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            trail.append(name)
            for target in sorted(graph[name]):
                visit(target)
            trail.pop()
            done.add(name)

    for name in sorted(graph):
        visit(name)


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_no_module_is_longer_than_400_lines(name, path):
    """Small rooms: one noun a module."""
    lines = len(path.read_text().splitlines())

    assert lines <= 400, f"{name} has {lines} lines"
