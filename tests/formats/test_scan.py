"""A pickle's imports are found without loading it, wherever it hides and however it is written."""

import bz2
import collections
import datetime as dt
import decimal
import fractions
import gzip
import io
import lzma
import pickle
import uuid
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hostile import BROKEN, CALLS, PLAIN, RIDDLES
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.formats import packed, streams
from sealift.formats.evidence import Evidence
from sealift.formats.scan import examine, scan
from sealift.formats.symbols import Global

SAMPLES = Path(__file__).parent / "samples"
"""Made by joblib 1.6 and skops 0.16 of small models of scikit-learn 1.9."""


def look(data, name="model.bin"):
    """What is found in bytes that are a file called so."""
    seen = examine(lambda: io.BytesIO(data), len(data), name)
    return seen.finding(name, "sha256:")


def zipped(**files):
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def array_of_objects(content):
    """A file of numpy's whose elements are a pickle."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|O", "fortran_order": False, "shape": (1,)}
    )
    return buffer.getvalue() + content


class Watched(pickle.Unpickler):
    """An unpickler that writes down what it imports."""

    def __init__(self, data, protocol):
        super().__init__(io.BytesIO(data))
        self.protocol, self.names = protocol, set()

    def find_class(self, module, name):
        """Import it, having written it down."""
        self.names.add(Global(module, name, self.protocol).path)
        return super().find_class(module, name)


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(max_size=300),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.sampled_from(
        [range(3), slice(1, 2), collections.OrderedDict, np.float32(1.5), np.dtype("U3")]
    ),
    st.builds(bytearray, st.binary(max_size=20)),
    st.builds(np.arange, st.integers(0, 9)),
)
hashable = st.one_of(st.integers(), st.text(max_size=5), st.uuids(), st.dates())
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(hashable, inner, max_size=4),
        st.builds(collections.deque, st.lists(inner, max_size=3)),
        st.builds(collections.OrderedDict, st.dictionaries(hashable, inner, max_size=3)),
        st.builds(collections.Counter, st.lists(hashable, max_size=3)),
        st.frozensets(hashable, max_size=3),
        st.sets(hashable, max_size=3),
        st.builds(lambda many: np.array([*many, None], object), st.lists(inner, max_size=3)),
    ),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None)
@given(values, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_the_imports_found_are_those_that_an_unpickler_makes(value, protocol):
    """For every protocol, of objects of many kinds; and all of them are harmless."""
    data = pickle.dumps(value, protocol)
    watched = Watched(data, protocol)
    watched.load()
    found = look(data)

    assert set(found.imports) == watched.names
    assert found.unclear == ()
    assert found.verdict == ("harmless" if watched.names else "data")


@pytest.mark.parametrize("data", CALLS.values(), ids=CALLS)
def test_a_stream_that_calls_what_is_dangerous_is_dangerous(data):
    """Whatever way it takes to the name."""
    found = look(data)

    assert found.verdict == "dangerous"
    assert {"posix.system", "builtins.eval", "sklearn.svm.os.system"} & set(found.dangerous)


@pytest.mark.parametrize("data", RIDDLES.values(), ids=RIDDLES)
def test_a_stream_whose_calls_cannot_be_told_is_unreadable(data):
    """It is not held for harmless because nothing bad was found."""
    found = look(data)

    assert found.verdict == "unreadable"
    assert found.unclear


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_stream_that_ends_before_it_calls_anything_imports_nothing(data):
    """A real unpickler gets no further either."""
    assert look(data).imports == ()


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        zlib.compress,
        lzma.compress,
        lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        lambda data: zipped(**{"archive/data.pkl": data}),
        lambda data: zipped(inner=zipped(deeper=data)),
        lambda data: b"#!/bin/sh\n" + zipped(model=data),
        array_of_objects,
    ],
    ids=["gzip", "bz2", "zlib", "xz", "lzma", "zip", "zip in zip", "zip behind text", "npy"],
)
def test_a_pickle_is_found_inside_a_container(pack):
    """What loaders unpack, the scanner unpacks."""
    found = look(pack(PLAIN))

    assert found.dangerous == ("posix.system",)


def test_an_archive_too_deep_or_in_an_unknown_compression_is_unreadable():
    """What is not looked into is not held for harmless."""
    deep = PLAIN
    for _ in range(6):
        deep = zipped(inner=deep)

    assert look(deep).verdict == "unreadable"
    assert look(b"\x04\x22\x4d\x18" + bytes(50)).verdict == "unreadable"
    assert look(zipped(a=b"x" * 99)[:60]).verdict == "unreadable"


def test_arrays_between_the_opcodes_are_passed_over():
    """As joblib writes them: plain, compressed, and with objects that are a pickle again."""
    found = {one.path: one for one in scan(SAMPLES)}

    assert set(found) == {"forest.joblib", "logistic.joblib", "logistic.zlib.joblib"}
    assert {one.verdict for one in found.values()} == {"harmless"}
    assert "sklearn.linear_model._logistic.LogisticRegression" in found["logistic.joblib"].imports
    assert "numpy.ndarray" in found["logistic.zlib.joblib"].imports
    assert "sklearn.tree._tree.Tree" in found["forest.joblib"].imports


def test_what_follows_an_array_is_followed():
    """A call behind an array is seen as well as one before it."""
    data = (SAMPLES / "logistic.joblib").read_bytes()
    assert data.endswith(b".")

    assert "posix.system" in look(data[:-1] + PLAIN).dangerous
    assert "posix.system" in look(data + PLAIN).dangerous


def test_a_model_of_skops_is_data_unless_it_names_a_type_of_others():
    """Its schema says which types it is made of."""
    with zipfile.ZipFile(SAMPLES / "logistic.skops") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert look(zipped(**files)).verdict == "data"
    schema = files["schema.json"]

    files["schema.json"] = schema.replace(b'"LogisticRegression"', b'"Logistic", "x": "y"')
    assert look(zipped(**files)).verdict == "data"
    files["schema.json"] = schema.replace(b"sklearn.linear_model._logistic", b"mycode")
    assert look(zipped(**files)).unknown == ("mycode.LogisticRegression",)
    files["schema.json"] = schema.replace(b"sklearn.linear_model._logistic", b"subprocess")
    assert look(zipped(**files)).verdict == "dangerous"
    files["schema.json"] = b"["
    assert look(zipped(**files)).verdict == "unreadable"


def test_a_layer_of_code_in_a_model_of_keras_is_dangerous():
    """In its own archive, and in a file of HDF5."""
    config = b'{"layers": [{"class_name": "Lambda", "config": {}}]}'

    assert look(zipped(**{"config.json": config})).verdict == "dangerous"
    assert look(b"\x89HDF\r\n\x1a\n" + bytes(100) + config).verdict == "dangerous"
    assert look(zipped(**{"config.json": config.replace(b"Lambda", b"Dense")})).verdict == "data"


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\nbird\n",
        "N.B. the model is old.\n",
        "carrier,origin,delay\nAA,JFK,3\n",
        "tree\nversion=v4\nnum_class=1\n",
        '{"learner": {"version": [3, 2, 0]}}',
        "Predictions of rents.\nRead them with care.\n",
        "import os\nos.system('true')\n",
        "(see below)\n",
    ],
)
def test_text_is_data(text):
    """Letters are opcodes too, but no unpickler would get anywhere with these."""
    assert look(text.encode()).verdict == "data"


def test_plain_arrays_and_values_are_data():
    """Nothing is imported when they are read."""
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(3), b=np.array(["x", "y"]))

    assert look(buffer.getvalue()).verdict == "data"
    assert look(pickle.dumps({"classes": ["a", "b"], "at": 0.5})).verdict == "data"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_are_told_of_and_never_break_the_scanner(data):
    """Bits flipped, cut short, or with something inserted."""
    path = data.draw(st.sampled_from(sorted(SAMPLES.iterdir())))
    raw = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(raw)))

    assert look(bytes(raw[:end]), path.name).verdict in (
        *("data", "harmless", "unknown", "unreadable", "dangerous"),
    )


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\x80\x04", b"PK\x03\x04", b"\x93NUMPY\1\0"])
)
def test_any_bytes_are_taken(data, head):
    """Nothing is raised for what is no format at all."""
    look(head + data)


def test_what_is_too_long_to_be_followed_is_unreadable():
    """A small file that unpacks to no end, and one that only pushes."""
    bomb = zlib.compress(b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + bytes(1 << 22))
    seen = Evidence(left=1 << 20)
    with zlib_stream(bomb) as stream:
        streams.pickles(stream, None, seen)
    assert any("too long" in words for words in seen.unclear)

    seen = Evidence(opcodes=20_000_000 - 50)
    streams.pickles(io.BytesIO(b"\x80\x04" + b"N0" * 100 + b"."), 203, seen)
    assert any("too long" in words for words in seen.unclear)


def zlib_stream(data):
    """The stream inside, as the scanner opens it."""
    return packed.unpacked("zlib", io.BytesIO(data))


def test_links_are_not_followed_and_folders_are(tmp_path):
    """A tree holds what its links lead to."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "m").write_bytes(PLAIN)
    (tmp_path / "link").symlink_to("deep/er/m")

    assert [one.path for one in scan(tmp_path)] == ["deep/er/m"]


def test_numbers_of_python_2_and_3_have_the_names_of_python_3():
    """What is told is what would be imported today."""
    data = pickle.dumps([{1}, dt.date(2026, 1, 1), decimal.Decimal(1)], 2)
    data += pickle.dumps([fractions.Fraction(1, 2), uuid.UUID(int=1)], 2)

    assert "builtins.set" in look(data).imports
    assert look(data).verdict == "harmless"
