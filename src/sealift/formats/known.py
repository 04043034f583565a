"""Which of the names that a file would import are harmless to call, and which are dangerous.

Harmless is what rebuilds arrays, containers and estimators from data, whatever its arguments are.
All the rest is unknown, or dangerous where it gives a file the run of the machine.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["harmless", "unknown", "dangerous"]

_HARMLESS = {
    "_codecs": "encode",
    "builtins": "NoneType bool bytearray bytes complex dict float frozenset int list object range "
    "set slice str tuple",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "partial",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "joblib.numpy_pickle_compat": "NDArrayWrapper ZNDArrayWrapper",
    "lightgbm.basic": "Booster",
    "numpy": "abs bool bool_ bytes_ cbrt complex128 complex64 cos datetime64 dtype exp exp2 expm1 "
    "float16 float32 float64 int16 int32 int64 int8 log log10 log1p log2 longdouble ndarray sin "
    "sqrt square str_ tan tanh timedelta64 uint16 uint32 uint64 uint8 void",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy.ma.core": "MaskedArray _mareconstruct",
    "numpy.random._generator": "Generator",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random._sfc64": "SFC64",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "numpy.random.mtrand": "RandomState",
    "pathlib": "PosixPath PurePath PurePosixPath PureWindowsPath",
    "torch": "BFloat16Storage BoolStorage ByteStorage CharStorage DoubleStorage FloatStorage "
    "HalfStorage IntStorage LongStorage ShortStorage Size bfloat16 bool device dtype float16 "
    "float32 float64 int16 int32 int64 int8 uint8",
    "torch._utils": "_rebuild_parameter _rebuild_tensor _rebuild_tensor_v2",
    "torch.nn.parameter": "Parameter",
    "uuid": "UUID",
    "xgboost.core": "Booster",
}
_PATTERNS = (
    re.compile(r"numpy\.dtypes\.[A-Z]\w*DType"),
    re.compile(r"scipy\.sparse\.(_?[a-z]+\.)?[a-z]{3}_(matrix|array)"),
    re.compile(r"scipy\.interpolate\._\w+\.[A-Z]\w*"),
    re.compile(r"sklearn(\.\w+)+\._*([A-Z]\w*|__pyx_unpickle_[A-Z]\w*)"),
    re.compile(r"sklearn\.(metrics\._dist_metrics|neighbors\._\w+)\.newObj"),
    re.compile(r"(xgboost|lightgbm)\.sklearn\.[A-Z]\w*"),
    re.compile(r"torch\.nn\.modules\.\w+\.[A-Z]\w*"),
)
_NOT_DATA = re.compile(r"sklearn\.(datasets|externals|utils\._testing|utils\.estimator_checks)\b.*")

_DANGEROUS_MODULES = (
    "asyncio bdb cProfile cffi cloudpickle code codeop commands compileall concurrent ctypes dill "
    "distutils dl doctest ensurepip fileinput ftplib gc glob http httplib imaplib imp importlib "
    "inspect io linecache marshal mmap multiprocessing nt ntpath numpy.distutils numpy.f2py "
    "numpy.testing operator os pdb pickle pip pkgutil platform poplib posix posixpath profile pty "
    "py_compile pydoc requests resource runpy setuptools shelve shutil signal site smtplib socket "
    "socketserver sqlite3 ssl subprocess sys sysconfig telnetlib tempfile threading timeit "
    "torch.hub trace types urllib venv webbrowser xmlrpc zipfile zipimport"
)
_DANGEROUS = {
    "builtins": "__import__ breakpoint compile delattr eval exec execfile file filter getattr "
    "globals input locals map open reload setattr vars",
    "codecs": "open",
    "functools": "reduce",
    "joblib": "load",
    "joblib.numpy_pickle": "load",
    "logging": "FileHandler",
    "logging.config": "listen",
    "numpy": "fromfile fromregex genfromtxt load loadtxt memmap save savetxt savez",
    "pandas": "eval read_pickle",
    "pandas.io.pickle": "read_pickle",
    "torch": "compile load",
    "torch.jit": "load",
    "torch.serialization": "load",
}
_INNER = (
    "builtins ctypes importlib inspect io logging marshal multiprocessing os pickle posix shutil "
    "socket subprocess sys tempfile threading urllib zipfile"
)
"""Modules that many others have imported; a name may lead through one of those to them."""
_FINE = frozenset({"operator.itemgetter", "_operator.itemgetter"})


def kind(path: str) -> Kind:
    """What it means to import and call a dotted name.

    >>> kind("numpy.ndarray"), kind("posix.system"), kind("mycode.Model")
    ('harmless', 'dangerous', 'unknown')
    >>> kind("sklearn.svm._classes.SVC"), kind("sklearn.svm.os.system"), kind("builtins.eval")
    ('harmless', 'dangerous', 'dangerous')
    """
    if path in _FINE or _named(path, _HARMLESS):
        return "harmless"
    if _named(path, _DANGEROUS) or _is_dangerous(path):
        return "dangerous"
    if any(one.fullmatch(path) for one in _PATTERNS) and not _NOT_DATA.fullmatch(path):
        return "harmless"
    return "unknown"


def _named(path: str, names: dict[str, str]) -> bool:
    module, _, name = path.replace("numpy._core.", "numpy.core.", 1).rpartition(".")
    return name in names.get(module, "").split()


def _is_dangerous(path: str) -> bool:
    parts = path.removeprefix("_").split(".")
    above = {".".join(parts[:number]) for number in range(1, len(parts) + 1)}
    return bool(above.intersection(_DANGEROUS_MODULES.split())) or bool(
        set(_INNER.split()).intersection(parts[1:-1])
    )


__all__ = ["Kind", "kind"]
