"""How far two outputs are apart, by what they say."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest

from sealift.train.again import content
from sealift.train.again.gap import Gap, between


def pair(tmp_path, name, old, new):
    """Two files of one name, in folders of their own."""
    made = []
    for side, data in (("old", old), ("new", new)):
        folder = tmp_path / side
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
        made.append(folder)
    return made


def gap(old, new):
    """The gap of two folders or files."""
    return between(old, new, new.name)


def npy(values):
    """An array as a file."""
    file = io.BytesIO()
    np.save(file, np.asarray(values))
    return file.getvalue()


def zipped(members, date):
    """A zip file whose members were written at a date."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, date), data)
    return file.getvalue()


def tensors(values, notes=None):
    """A safetensors file with one tensor of 64-bit floats."""
    raw = np.asarray(values, "<f8").tobytes()
    head = {"w": {"dtype": "F64", "shape": [len(values)], "data_offsets": [0, len(raw)]}}
    text = json.dumps(head | ({"__metadata__": notes} if notes else {})).encode()
    return len(text).to_bytes(8, "little") + text + raw


SAME = {
    "a.json": (b'{"a": 1, "b": [1.50, null]}', b'{\n "b": [1.5, null], "a": 1.0}'),
    "a.jsonl": (b'{"a": 1}\n{"b": 2}\n', b'{"a":1}\n{"b":2}'),
    "a.csv": (b"x,y\n1,a\n2.0,b\n", b'x,y\r\n1.0,"a"\r\n2,b\r\n'),
    "a.pt": (
        zipped({"data/0": b"1234", "a.npy": npy([1.0])}, (2020, 1, 1, 0, 0, 0)),
        zipped({"a.npy": npy([1.0]), "data/0": b"1234"}, (2026, 1, 1, 0, 0, 0)),
    ),
    "a.json.gz": (
        gzip.compress(b'{"a": 1}', mtime=1),
        gzip.compress(b'{"a": 1}', compresslevel=1, mtime=2),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_values_written_otherwise_are_the_same_values(name, tmp_path):
    """Order of keys, spaces, quotes, line ends, times and compression say nothing."""
    found = gap(*pair(tmp_path, name, *SAME[name]))

    assert found == Gap(0.0)
    assert found.verdict(0.0) == "identical values"


NEAR = {
    "a.json": (b'{"a": {"b": 1.0}}', b'{"a": {"b": 1.001}}', "a.json: a.b"),
    "a.csv": (b"x\n1\n-2\n", b"x\n1\n-2.002\n", "a.csv: column 'x'"),
    "a.npy": (npy([0.0, 4.0]), npy([0.004, 4.0]), "a.npy"),
    "a.safetensors": (tensors([1.0, 2.0]), tensors([1.0, 2.002]), "a.safetensors: w"),
    "a.npz": (
        zipped({"w.npy": npy([1.0])}, (2020, 1, 1, 0, 0, 0)),
        zipped({"w.npy": npy([0.999])}, (2020, 1, 1, 0, 0, 0)),
        "a.npz: w.npy",
    ),
}


@pytest.mark.parametrize("name", NEAR)
def test_a_small_difference_is_measured_and_placed(name, tmp_path):
    """Over the largest number of the array, so that a value near nothing is no catastrophe."""
    old, new, place = NEAR[name]
    found = gap(*pair(tmp_path, name, old, new))

    assert found.relative == pytest.approx(0.001, rel=0.01)
    assert found.places[0].startswith(place)
    assert found.verdict(0.01) == "within tolerance"
    assert found.verdict(1e-4) == "different"


APART = {
    "a.json": (b'{"a": 1}', b'{"b": 1}'),
    "b.json": (b'{"a": true}', b'{"a": 1}'),
    "c.json": (b'{"a": "x"}', b'{"a": "y"}'),
    "d.json": (b'{"a": []}', b'{"a": {}}'),
    "a.csv": (b"x\n1\n", b"x\n1\n1\n"),
    "b.csv": (b"x,y\n1,2\n", b"y,x\n1,2\n"),
    "a.npy": (npy([1.0]), npy(np.array([1.0], "f4"))),
    "b.npy": (npy([np.nan, 1.0]), npy([1.0, np.nan])),
    "c.npy": (npy([np.inf]), npy([-np.inf])),
    "a.safetensors": (tensors([1.0], {"k": "1"}), tensors([1.0], {"k": "2"})),
    "a.bin": (b"abc", b"abd"),
    "broken.json": (b"{", b"["),
    "pickle.npy": (npy(np.array([{}], dtype=object)), npy(np.array([[]], dtype=object))),
}


@pytest.mark.parametrize("name", APART)
def test_what_is_no_matter_of_size_is_different_at_any_tolerance(name, tmp_path):
    """Names, types, texts, missing numbers, and bytes that nobody can read."""
    found = gap(*pair(tmp_path, name, *APART[name]))

    assert found.relative is None
    assert found.places
    assert found.verdict(0.99) == "different"


def test_whole_numbers_that_floats_cannot_tell_apart_are_told_apart(tmp_path):
    """2^53 and 2^53 + 1 are one float, and two values."""
    big = 1 << 53
    for name, old, new in (
        ("a.npy", npy([big]), npy([big + 1])),
        ("a.json", b"[%d]" % (big + 1), b"[%d]" % (big + 2)),
    ):
        found = gap(*pair(tmp_path, name, old, new))
        assert found.verdict(0.0) == "different"


def test_huge_numbers_have_a_finite_difference(tmp_path):
    """Their difference alone would not be one."""
    found = gap(*pair(tmp_path, "a.npy", npy([1.7e308]), npy([-1.7e308])))

    assert found.relative == 2.0


def test_folders_are_compared_file_by_file(tmp_path):
    """Names first; then the worst of all files counts."""
    old, new = pair(tmp_path, "a.json", b"[1]", b"[1.0]")
    (old / "sub").mkdir()
    (new / "sub").mkdir()
    (old / "sub" / "b.csv").write_bytes(b"x\n1\n")
    (new / "sub" / "b.csv").write_bytes(b"x\n1.5\n")
    assert gap(old, new).places == ("sub/b.csv: column 'x' by 0.33",)

    (new / "sub" / "c").touch()
    (old / "gone").touch()
    assert gap(old, new) == Gap(None, ("gone is missing", "sub/c is new"))
    assert gap(old, new / "a.json").relative is None


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_whatever_break_a_reader(seed):
    """Cut and flipped files are read, or are not; nothing else happens."""
    random = np.random.default_rng(seed)
    files = {name: old for name, (old, *_) in {**SAME, **NEAR}.items()}
    for name, whole in files.items():
        for _ in range(20):
            raw = bytearray(whole[: random.integers(1, len(whole) + 1)])
            raw[random.integers(len(raw))] ^= 1 << int(random.integers(8))
            assert isinstance(content.read(name, bytes(raw)), dict | None)
