"""What decides the outputs of a step, as one digest; and what changed when it differs."""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern

from sealift import digest
from sealift.record import command
from sealift.record.project import Step
from sealift.train import points
from sealift.train.plan import Planned
from sealift.types import Digest

PINNED = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "SOURCE_DATE_EPOCH": "1700000000",
    "TZ": "UTC",
}
"""Variables that every step gets, so that a second run can give the same bytes."""

_KINDS = (
    ("command", "its command changed"),
    ("param", "its parameter {name} went from {old} to {new}"),
    ("code", "its code changed"),
    ("input", "its input {name} changed"),
    ("env", "its variable {name} changed"),
    ("secret", "where its secret {name} comes from changed"),
    ("image", "the image of the steps changed"),
    ("seed", "the pinned variable {name} changed"),
    ("resource", "its {name} went from {old} to {new}"),
    ("network", "its access to the network changed"),
    ("checkpoints", "whether it keeps checkpoints changed"),
    ("writes", "its output {name} moved"),
    ("curves", "how it logs curves changed"),
)


def fixed(step: Step) -> dict[str, str]:
    """What the leaves of all cells of a step share, worked out once.

    Processor cores, memory and graphics cards are in it, since programs choose their threads and
    their ways by them; retries and time limits are not: they decide whether a step succeeds, not
    what it means.
    Values of environment variables appear as digests only, and of secrets where they come from: a
    digest could be guessed at.
    """
    return {
        "command": step.run,
        "network": command.text(step.network),
        "checkpoints": command.text(step.checkpoints),
        "resource.cpus": f"{step.cpus:g}",
        "resource.memory": str(step.memory_bytes or "unlimited"),
        # left out where none is asked for, so that steps from before there were any stay known
        **({"resource.gpus": str(step.gpus)} if step.gpus else {}),
        **{f"env.{name}": digest.of_bytes(text.encode()) for name, text in step.env.items()},
        **{f"secret.{name}": source for name, source in step.secrets.items()},
        **{f"seed.{name}": text for name, text in PINNED.items()},
        **{f"writes.{name}": path for name, path in step.writes.items()},
        **({"curves": points.helper_digest()} if step.curves else {}),
    }


def leaves(
    planned: Planned,
    shared: Mapping[str, str],
    *,
    image: Digest,
    code: Digest,
    inputs: Mapping[str, str],
) -> dict[str, str]:
    """Everything that decides what the step writes, by name; ``shared`` is what is ``fixed``.

    ``inputs`` maps what it reads to the digest and the place of it.
    """
    return {
        **shared,
        "image": image,
        "code": code,
        **{intern(f"param.{name}"): command.text(value) for name, value in planned.params.items()},
        **{f"input.{name}": value for name, value in inputs.items()},
    }


def key(parts: Mapping[str, str]) -> Digest:
    """The digest of the leaves."""
    return digest.of_json(dict(parts))


def explain(name: str, old: Mapping[str, str] | None, new: Mapping[str, str]) -> str:
    """Why a step runs, as a sentence; ``old`` are the leaves of its last execution.

    >>> explain("train", {"param.depth": "2"}, {"param.depth": "3"})
    'train runs again: its parameter depth went from 2 to 3.'
    """
    if old is None:
        return f"{name} runs for the first time."
    reasons = list(dict.fromkeys(_reasons(old, new)))
    if not reasons:
        return f"{name} runs again: its last outputs are not there."
    *first, last = reasons
    return f"{name} runs again: {', '.join(first)}{' and ' if first else ''}{last}."


def _reasons(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = [*new, *(leaf for leaf in old if leaf not in new)]
    changed = [leaf for leaf in names if old.get(leaf) != new.get(leaf)]
    return [
        words.format(
            name=leaf.partition(".")[2], old=old.get(leaf, "none"), new=new.get(leaf, "none")
        )
        for kind, words in _KINDS
        for leaf in changed
        if leaf.partition(".")[0] == kind
    ]


__all__ = ["PINNED", "explain", "fixed", "key", "leaves"]
