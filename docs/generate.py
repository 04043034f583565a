"""Write the pages that are made from the code: `make docs`. A test fails when they are stale."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import render
from benchmarks.conformance import graded
from sealift import errors
from sealift.record.schema import schema, text

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "src" / "sealift"
STAGES = ("package", "serving", "train")
TABLES = {
    "Project": "Top level",
    "Source": "[data.NAME]",
    "ImageSettings": "[image]",
    "Interpreter": "[image.interpreter.PLATFORM]",
    "Step": "[steps.NAME]",
    "PipelineSettings": "[pipelines.NAME]",
    "ModelSettings": "[model]",
    "FieldRule": "[model.fields.NAME]",
    "AliasGates": "[model.gates.ALIAS]",
    "Against": "[model.gates.ALIAS.against.METRIC]",
    "Slice": "[[model.gates.ALIAS.slices]]",
    "FromImageSettings": "[from_image]",
    "TensorSettings": "[from_image.inputs.NAME]",
    "CheckSettings": "[check]",
    "IgnoreSettings": "[check.ignore.ID]",
    "LicenceSettings": "[check.licences]",
    "LoadSettings": "[check.load]",
    "ReleaseSettings": "[release]",
    "PolicySettings": "[release.policy]",
    "GuardSettings": "[release.guard.NAME]",
    "EngineSettings": "[engine]",
    "CacheSettings": "[cache]",
    "ServeSettings": "[serve]",
    "NetworkSettings": "[network]",
    "EnvironmentSettings": "[environments.NAME]",
    "GatewaySettings": "[environments.NAME.gateway]",
    "StoreSettings": "[environments.NAME.store]",
}
HEAD = """# The project file, key by key

This page is made from the types that read `sealift.toml` (`make docs`). `sealift schema` prints the
same as a JSON schema, for editors. An unknown key is refused, with the nearest right one.
"""


def kind(field: dict[str, Any]) -> str:
    """What a key takes, in words."""
    if "anyOf" in field:
        return " or ".join(kind(one) for one in field["anyOf"] if one.get("type") != "null")
    if "$ref" in field:
        return f"table `{TABLES[field['$ref'].rpartition('/')[2]]}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {kind(field['items'])}"
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return f"table of {kind(inner)}" if isinstance(inner, dict) and inner else "table"
    names = field.get("type", "value")
    return names if isinstance(names, str) else " or ".join(names)


def default(name: str, field: dict[str, Any], required: list[str]) -> str:
    """The default as it would stand in the file."""
    if name in required:
        return "required"
    return f"`{json.dumps(field['default'])}`" if field.get("default") is not None else ""


def project_file() -> str:
    """The page of all keys."""
    definitions = schema()["$defs"]
    parts = [HEAD]
    for record, title in TABLES.items():
        table = definitions[record]
        parts.append(f"## {title}\n\n{table['description']}\n")
        parts.append("| key | takes | default | meaning |\n|---|---|---|---|")
        for name, field in table["properties"].items():
            meaning = field.get("description", "")
            cells = (f"`{name}`", kind(field), default(name, field, table["required"]), meaning)
            parts.append("| " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts)


def exit_codes() -> str:
    """The page of exit codes."""
    rows = ["# Exit codes", "", "Made from `sealift/errors.py` (`make docs`).", ""]
    rows += ["| code | error | meaning |", "|---|---|---|", "| 0 | | all is well |"]
    for name in sorted(errors.__all__, key=lambda one: getattr(errors, one).exit_code):
        error = getattr(errors, name)
        rows.append(f"| {error.exit_code} | `{name}` | {error.__doc__.splitlines()[0]} |")
    return "\n".join([*rows, "| 130 | | interrupted |", ""])


PAGES = {
    DOCS / "project-file.md": project_file,
    DOCS / "exit-codes.md": exit_codes,
    PACKAGE / "schema.json": text,
    DOCS / "benchmarks" / "conformance.md": graded.page,
    **{DOCS / "benchmarks" / f"{stage}.md": partial(render.page, stage) for stage in STAGES},
}


if __name__ == "__main__":
    for path, write in PAGES.items():
        path.write_text(write())
