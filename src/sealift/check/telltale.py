"""How secrets look in files: by their content, or by the name of the file alone."""

from __future__ import annotations

import re

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


def words(path: str, content: bytes | None) -> str:
    """What secret a file of this path holds, in words; nothing if none.

    ``content`` is None for a file that is larger than ``LARGEST``.

    >>> words("/home/app/.netrc", b""), words("/etc/hosts", b"127.0.0.1 localhost")
    ('what programs keep secrets in', '')
    """
    if NAMES.search(path):
        return "what programs keep secrets in"
    for mark, form, told in CONTENT if content else ():
        if content and mark in content and re.search(form, content):
            return told
    return ""


__all__ = ["LARGEST", "words"]
