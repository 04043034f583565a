"""The floors of DESIGN: a module imports lower floors only, and nothing goes round in a circle."""

import ast
from pathlib import Path

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
        "still",
    ),
    ("record", "stats", "formats"),
    ("ports", "attestation", "network", "modelpack", "kubernetes", "layers", "stacked"),
    ("data", "train", "package", "check", "release", "watch", "serve", "adapters", "testing"),
    ("wiring",),
    ("chapters",),
    ("container", "porter", "control", "doctor", "intake"),
    ("cli", "web"),
)
STAGES = 3  # from this floor on, rooms side by side know nothing of each other


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


def allowed(room, target):
    """Whether a room may import another."""
    there, here = floor(target), floor(room)
    return there < here or (there == here and here < STAGES)


def test_a_module_imports_only_lower_floors_or_its_own_room():
    """The six stages, the server and the adapters never import each other."""
    faults = [
        f"{name} imports {'.'.join(target)}"
        for name, path in modules()
        if (room := name.split(".")[0]) not in ("__init__", "__main__")
        for target in imports(path)
        if target[0] not in (room, "__version__") and not allowed(room, target[0])
    ]
    assert not faults, "\n".join(faults)


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


def test_no_module_is_longer_than_400_lines():
    """Small rooms: one noun a module."""
    lines = {name: len(path.read_text().splitlines()) for name, path in modules()}

    assert not {name: count for name, count in lines.items() if count > 400}
