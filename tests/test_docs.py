"""What the docs say is what the code does."""

import importlib.util
import re
from pathlib import Path

import pytest

from sealift.cli.commands import COMMANDS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def generator():
    """The program that writes the generated pages."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = generator().PAGES


@pytest.mark.parametrize(("path", "write"), PAGES.items(), ids=[path.name for path in PAGES])
def test_generated_pages_are_fresh(path, write):
    """`make docs` would change nothing."""
    assert path.read_text() == write()


def pages():
    """Every page that people read."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    """No page points to nothing."""
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_lines_are_short_enough_to_review(page):
    """At most 100 characters, but for rows of tables."""
    lines = page.read_text().splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_command_in_the_docs_exists(page):
    """No page names a command that the command line does not have."""
    for word in re.findall(r"(?:`|^|&& )sealift ([a-z]+)", page.read_text(), flags=re.MULTILINE):
        assert word in COMMANDS, f"sealift {word}"
