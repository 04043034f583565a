"""The word for which the servers of a service hand out their prediction logs: a Secret."""

from __future__ import annotations

import base64
import binascii

from sealift.kubernetes.objects import Object, Place, made, service_labels
from sealift.kubernetes.reading import text

WORD = "word"
HEADER = "X-Sealift-Reader"


def reader_name(service: str) -> str:
    """The name of the Secret."""
    return f"{service}-reader"


def secret(service: str, place: Place, word: str) -> Object:
    """The Secret that holds a word."""
    one = made("Secret", "v1", reader_name(service), place, service_labels(service))
    data: Object = {WORD: base64.b64encode(word.encode()).decode()}
    return {**one, "type": "Opaque", "data": data}


def word_of(one: Object | None) -> str:
    """The word in a Secret; empty where there is none.

    >>> word_of({"data": {"word": "b3Blbg=="}}), word_of(None)
    ('open', '')
    """
    try:
        return base64.b64decode(text(one, "data", WORD), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


__all__ = ["HEADER", "WORD", "reader_name", "secret", "word_of"]
