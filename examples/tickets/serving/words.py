"""Texts as the model reads them; training and serving share this file."""

import re
import unicodedata

_ADDRESS = re.compile(r"\S+@\S+")
_NUMBER = re.compile(r"\d+")


def plain(text: str) -> str:
    """Lower-case letters without accents; addresses and numbers become words.

    >>> plain("Björn wrote to ADA@example.com about 4711")
    'bjorn wrote to anaddress about anumber'
    """
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NUMBER.sub("anumber", _ADDRESS.sub("anaddress", text))
