"""A Dockerfile written out: what it copies, pins and tells is what the image is made of."""

import json
import shlex

import msgspec
import pytest
from test_images import MODEL, builder, config, model

from sealift.digest import of_bytes
from sealift.errors import MachineError, NotFoundError, UsageError
from sealift.package import eject, locking
from sealift.package.compiled import LIBRARIES
from sealift.record.lock import Built


@pytest.fixture
def made(world, tmp_path):
    """A model in its image: store, record, image, lock."""
    build, store, _ = builder(world)
    _, record = model(store, tmp_path / "model")
    return store, record, build.serving_image(record), build.lock()


@pytest.fixture
def written(made, tmp_path):
    """The folder, and what it was written from: the image's configuration and lock."""
    store, record, image, lock = made
    eject.write(image, record, lock, store, tmp_path / "out")
    return tmp_path / "out", config(store, image)["config"], lock


def instructions(folder):
    """The instructions of the Dockerfile with their words, continued lines joined."""
    lines = (folder / "Dockerfile").read_text().splitlines()
    joined = "\n".join(one for one in lines if not one.startswith("#")).replace("\\\n", " ")
    return [tuple(one.split(maxsplit=1)) for one in joined.splitlines() if one]


def told(folder, word):
    """The arguments of all instructions of a kind."""
    return [rest for name, rest in instructions(folder) if name == word]


def pairs(folder, word):
    """The names and values that instructions such as ENV set."""
    return [shlex.split(one)[0] for one in told(folder, word)]


def test_the_result_is_told_what_the_image_is(written):
    """Environment, user, entry point, labels, port, signal and folder."""
    folder, image, _ = written
    assert pairs(folder, "ENV") == image["Env"]
    assert dict(one.split("=", 1) for one in pairs(folder, "LABEL")) == image["Labels"]
    assert [json.loads(one) for one in told(folder, "ENTRYPOINT")] == [image["Entrypoint"]]
    assert told(folder, "USER") == [image["User"]]
    assert told(folder, "EXPOSE") == list(image["ExposedPorts"])
    assert told(folder, "STOPSIGNAL") == [image["StopSignal"]]
    assert told(folder, "WORKDIR") == [image["WorkingDir"]]


def test_packages_are_those_of_the_lock(written):
    """Wheels with their hashes, Debian packages with their versions."""
    folder, _, lock = written
    assert (folder / "requirements.txt").read_text().splitlines() == list(lock.runtime)
    assert all("--hash=sha256:" in line for line in lock.runtime)
    words = told(folder, "RUN")[-1].split()
    assert {f"{one.name}={one.version}" for one in lock.base} <= set(words)


def test_all_that_is_copied_is_there_and_not_ignored(written):
    """And the model's files are those of its artifact, for another user to read."""
    folder, _, _ = written
    kept = (folder / ".dockerignore").read_text().splitlines()
    sources = [one.split()[0] for one in told(folder, "COPY") if "--from" not in one]
    assert all((folder / one).exists() for one in sources)
    assert kept == ["*", *(f"!{one}" for one in sources)]
    found = {one.name: one.read_bytes() for one in (folder / "model").iterdir()}
    assert found == {name: content + b" " for name, content in MODEL.items()}
    libraries = (folder / "server/sealift/serve").glob("express-*.so")
    assert {one.name for one in libraries} == set(LIBRARIES[locking.here()])
    assert (folder / "server/sealift/container.py").stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o755


def test_no_address_is_written(written):
    """Where packages come from is the builder's own affair."""
    folder, _, _ = written
    for name in ("Dockerfile", "requirements.txt", "README.md"):
        assert "://" not in (folder / name).read_text()


def test_the_same_image_gives_the_same_folder(made, tmp_path):
    """Byte for byte: it can be kept in version control."""
    store, record, image, lock = made

    def content(name):
        folder = tmp_path / name
        eject.write(image, record, lock, store, folder)
        files = (one for one in folder.rglob("*") if one.is_file())
        return {one.relative_to(folder): one.read_bytes() for one in files}

    assert content("one") == content("two")


def test_a_wheel_that_is_in_no_index_goes_along(made, tmp_path):
    """One that was built here; without it in the store nothing is written."""
    store, record, image, lock = made
    name, version = lock.runtime[0].split(" ")[0].split("==")
    built = Built(
        name=name,
        version=version,
        sdist="s",
        sha256="0" * 64,
        requires=(),
        platform=lock.platform,
        wheel=f"{name}-{version}-py3-none-any.whl",
        digest=of_bytes(b"built here"),
        size=10,
    )
    line = f"{name}=={version} --hash={built.digest}"
    changed = msgspec.structs.replace(lock, runtime=(line,), built=(built,))
    with pytest.raises(NotFoundError, match="not in the store"):
        eject.write(image, record, changed, store, tmp_path / "none")
    assert not list(tmp_path.glob("*none*"))
    store.put(b"built here", "application/zip")
    eject.write(image, record, changed, store, tmp_path / "out")
    assert (tmp_path / "out/wheels" / built.wheel).read_bytes() == b"built here"
    assert "wheels /built" in told(tmp_path / "out", "COPY")
    assert "--find-links /built" in told(tmp_path / "out", "RUN")[1]
    assert "!wheels" in (tmp_path / "out/.dockerignore").read_text().splitlines()


def test_a_folder_with_something_in_it_is_refused(made, tmp_path):
    """And left as it is; an empty one is taken."""
    store, record, image, lock = made
    (tmp_path / "out").mkdir()
    eject.write(image, record, lock, store, tmp_path / "out")
    before = (tmp_path / "out/Dockerfile").stat()
    with pytest.raises(UsageError, match="not empty"):
        eject.write(image, record, lock, store, tmp_path / "out")
    assert (tmp_path / "out/Dockerfile").stat() == before
    assert not list(tmp_path.glob(".out.*"))


def test_a_folder_that_cannot_be_written_is_said(made, tmp_path):
    """With the reason."""
    store, record, image, lock = made
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be written"):
        eject.write(image, record, lock, store, tmp_path / "file" / "out")
