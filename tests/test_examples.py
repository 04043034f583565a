"""The examples in docstrings: each of them runs, and gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

import sealift

PACKAGE = Path(sealift.__file__).parent
BEGIN = ">>> "


def shown():
    """The modules that show examples, by name, and how many each shows.

    No other one is imported, so what a module needs or starts at import is no matter here.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        count = sum(line.lstrip().startswith(BEGIN) for line in lines)
        if count:
            inner = path.relative_to(PACKAGE).with_suffix("").parts
            yield pytest.param(path, ".".join(("sealift", *inner)), count, id=".".join(inner))


@pytest.mark.parametrize(("path", "name", "count"), tuple(shown()))
def test_the_examples_of_a_module_give_what_they_say(path, name, count):
    """All of them are found and run, none is skipped."""
    module = importlib.import_module(name.removesuffix(".__init__"))
    assert Path(module.__file__) == path

    found = doctest.testmod(module)

    assert found.failed == 0, "see what is printed below"
    assert found.attempted == count, "there are examples where doctest does not look for them"
