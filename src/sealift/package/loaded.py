"""Which modules a server loads at its start, or with the first client of a kind."""

from __future__ import annotations

import re

from sealift.package.server import PLACE

_STANDARD = """
    asyncio collections concurrent concurrent.futures ctypes importlib json logging pathlib re
"""
_WHEELS = """
    flatbuffers hpack httptools httptools.parser msgspec numpy numpy._core numpy._typing
    numpy._utils numpy.lib numpy.linalg numpy.matrixlib numpy.typing onnxruntime
    onnxruntime.capi simdjson
"""
_MODULES = """
    __future__ _colorize _compat_pickle _opcode_metadata _weakrefset ast base64 bisect
    contextlib contextvars copyreg csv datetime decimal difflib dis encodings encodings.aliases
    encodings.utf_8 enum fnmatch functools glob heapq inspect ipaddress keyword linecache locale
    numbers opcode operator pathlib pickle platform queue reprlib selectors signal socket ssl
    string struct subprocess textwrap threading token tokenize traceback types typing urllib
    urllib.parse uuid warnings weakref
"""

PACKAGES = frozenset((_STANDARD + _WHEELS).split())
"""Packages of the standard library, and of the wheels that the server needs, most of whose own
modules are loaded; those of packages in them are not meant."""

MODULES = frozenset(_MODULES.split())
"""Further modules of the standard library, in whichever version of Python there are such."""

_PLACE = re.compile(r"(?:.*/)?lib/python3\.[0-9]+/(?:(?:dist|site)-packages/)?(?P<module>.+)\.py")
_INIT = ".__init__"


def is_loaded(path: str) -> bool:
    """Whether a file, by its path from the root of an image, is the source of such a module.

    Everything of Sealift in an image is the server's.

    >>> is_loaded("usr/lib/python3.13/asyncio/tasks.py"), is_loaded("usr/lib/python3.13/pathlib.py")
    (True, True)
    >>> is_loaded("usr/local/lib/python3.13/dist-packages/numpy/random/_pickle.py")
    False
    >>> is_loaded("opt/sealift/sealift/container.py")
    True
    """
    if path.startswith(f"{PLACE}/"):
        return path.endswith(".py")
    found = _PLACE.fullmatch(path)
    if found is None:
        return False
    name = found["module"].replace("/", ".").removesuffix(_INIT)
    return name in MODULES or name in PACKAGES or name.rpartition(".")[0] in PACKAGES


__all__ = ["MODULES", "PACKAGES", "is_loaded"]
