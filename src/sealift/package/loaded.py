"""Which modules a server loads at its start, or with the first client of a kind."""

from __future__ import annotations

import re

from sealift.package.server import PLACE

_PACKAGES = """
    asyncio collections json pathlib re
    flatbuffers hpack httptools httptools.parser msgspec numpy numpy._core numpy._typing
    numpy._utils numpy.lib numpy.linalg numpy.matrixlib numpy.typing onnxruntime
    onnxruntime.capi simdjson
"""
_MODULES = """
    __future__ _colorize _compat_pickle _opcode_metadata _weakrefset ast base64 bisect concurrent
    concurrent.futures concurrent.futures._base concurrent.futures.thread contextlib contextvars
    copyreg csv ctypes ctypes._endian datetime decimal difflib dis encodings encodings.aliases
    encodings.utf_8 encodings.utf_8_sig enum fnmatch functools glob hashlib heapq hmac importlib
    importlib._abc inspect ipaddress keyword linecache locale logging numbers opcode operator pickle
    platform queue reprlib selectors signal socket ssl string struct subprocess textwrap threading
    token tokenize traceback types typing urllib urllib.parse uuid warnings weakref
"""
_OTHERS = """
    asyncio.__main__ asyncio.proactor_events asyncio.windows_events asyncio.windows_utils json.tool
    flatbuffers.flexbuffers numpy._configtool numpy.conftest numpy.matlib numpy._core.cversions
    numpy._core.defchararray numpy._core.strings numpy._utils._pep440 numpy.lib._user_array_impl
    numpy.lib.recfunctions numpy.lib.user_array numpy.typing.mypy_plugin
    onnxruntime.capi.convert_npz_to_onnx_adapter
    onnxruntime.capi.onnxruntime_collect_build_info
"""

PACKAGES = frozenset(_PACKAGES.split())
"""Packages of the standard library, and of the wheels that the server needs, most of whose own
modules are loaded; packages in them are not meant."""

OTHERS = frozenset(_OTHERS.split())
"""Modules of these packages that are not."""

MODULES = frozenset(_MODULES.split())
"""Further modules of the standard library, in whichever version of Python there are such. Those
that the interpreter has in itself, frozen, are not among them."""

_PLACE = re.compile(r"(?:.*/)?lib/python3\.[0-9]+/(?:(?:dist|site)-packages/)?(?P<module>.+)\.py")
_INIT = ".__init__"


def is_loaded(path: str) -> bool:
    """Whether a file, by its path from the root of an image, is the source of such a module.

    Everything of Sealift in an image is the server's.

    >>> is_loaded("usr/lib/python3.13/asyncio/tasks.py"), is_loaded("usr/lib/python3.13/pathlib.py")
    (True, True)
    >>> is_loaded("usr/local/lib/python3.13/dist-packages/numpy/random/__init__.py")
    False
    >>> is_loaded("opt/sealift/sealift/container.py")
    True
    """
    if path.startswith(f"{PLACE}/"):
        return path.endswith(".py")
    found = _PLACE.fullmatch(path)
    if found is None:
        return False
    name = found["module"].replace("/", ".")
    package = name.removesuffix(_INIT)
    if package in PACKAGES or package in MODULES:
        return True
    return package == name and name.rpartition(".")[0] in PACKAGES and name not in OTHERS


__all__ = ["MODULES", "OTHERS", "PACKAGES", "is_loaded"]
