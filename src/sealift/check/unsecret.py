"""The image holds no secret: neither in its files nor in its environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sealift.check.check import Check, error, info, spared
from sealift.check.target import Target
from sealift.record.report import Finding

LARGEST = 1 << 20
"""Bytes of a file up to which its content is searched; keys and settings are small."""

CONTENT = (
    (
        b"PRIVATE KEY-----",
        rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
        "a private key",
    ),
    (b"AKIA", rb"\bAKIA[0-9A-Z]{16}\b", "an access key of AWS"),
    (b"ghp_", rb"\bghp_[A-Za-z0-9]{36}\b", "a token of GitHub"),
    (b"gho_", rb"\bgho_[A-Za-z0-9]{36}\b", "a token of GitHub"),
    (b"ghs_", rb"\bghs_[A-Za-z0-9]{36}\b", "a token of GitHub"),
    (b"github_pat_", rb"\bgithub_pat_[A-Za-z0-9_]{82}\b", "a token of GitHub"),
    (b"glpat-", rb"\bglpat-[A-Za-z0-9_-]{20}\b", "a token of GitLab"),
    (b"xoxb-", rb"\bxoxb-[0-9A-Za-z-]{20,}", "a token of Slack"),
    (b"xoxp-", rb"\bxoxp-[0-9A-Za-z-]{20,}", "a token of Slack"),
    (b"AIza", rb"\bAIza[0-9A-Za-z_-]{35}\b", "a key of Google"),
    (b"pypi-AgEI", rb"\bpypi-AgEI[A-Za-z0-9_-]{50,}", "a token of a package index"),
    (b"hf_", rb"\bhf_[A-Za-z]{34}\b", "a token of Hugging Face"),
)
"""Secrets by what they begin with or hold (which is quick to look for), their form, and words."""

NAMES = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass|\.pypirc|\.git-credentials|\.env"
    r"|\.aws/credentials|\.docker/config\.json|\.kube/config|\.ssh/[^/]+)$"
)
"""Files in which programs keep passwords and keys."""

VARIABLES = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
_LOGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@")
REMEDY = "Take it out of the image, replace it where it is valid, and give it when the server runs."


def findings(target: Target) -> Iterator[Finding]:
    """Look at the variables that the image sets, then at every file."""
    for name, value in sorted(target.subject.launch.env.items()):
        if value and (VARIABLES.search(name) or _LOGIN.search(value)):
            yield error("A variable of the image holds a secret.", place=name, remedy=REMEDY)
    if not target.subject.root:
        yield spared("the files of the image are not here.")
        return
    count = 0
    for path, words in suspects(Path(target.subject.root)):
        count += words == ""
        if words:
            yield error(f"A file of the image holds {words}.", place=path, remedy=REMEDY)
    yield info(f"{count} files looked at")


def suspects(root: Path) -> Iterator[tuple[str, str]]:
    """Every regular file by its path in the image, and what secret it holds, if any."""
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder) / name
            if not file.is_symlink() and file.is_file():
                path = f"/{file.relative_to(root)}"
                yield path, "what programs keep secrets in" if NAMES.search(path) else held(file)


def held(file: Path) -> str:
    """What secret a file holds, in words; nothing for one that is large."""
    if file.stat().st_size > LARGEST:
        return ""
    content = file.read_bytes()
    for mark, form, words in CONTENT:
        if mark in content and re.search(form, content):
            return words
    return ""


CHECK = Check(
    name="no-secrets",
    shows="Neither the files nor the variables of the image hold passwords, keys or tokens.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "suspects"]
