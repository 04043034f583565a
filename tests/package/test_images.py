"""Images built from a small world of packages: what they hold, and that it is always the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from archives import sdist, wheel
from compilers import compiling

from sealift import digest
from sealift.adapters.stores.layout import Layout
from sealift.errors import PackageError, ProjectError, SourceError
from sealift.folders import Folders
from sealift.package import requirements
from sealift.package.artifact import write_model
from sealift.package.builder import Builder
from sealift.record.contract import Contract
from sealift.record.image import LOCK, MODEL_CONFIG, MODEL_MANIFEST
from sealift.record.image_settings import ImageSettings
from sealift.record.model import Model
from sealift.record.project import Project

MODEL = {
    "model.onnx": b"weights" * 1000,
    "model.json": b'{"name":"n","version":1,"run":"r"}',
    "contract.json": b"{}",
    "profile.json": b"{}",
    "golden.json": b"{}",
}


class Talk:
    """Remembers what was said."""

    def __init__(self):
        self.steps = []

    def step(self, name, status):
        """A piece of work."""
        self.steps.append((name, status))

    def say(self, text):
        """A line."""
        self.steps.append(("", text))


def builder(root, variant=None, engine=compiling, depot=None, *, hermetic=False, **settings):
    """A builder for the project in a folder, its store, and what it says."""
    folders, talk = Folders(root), Talk()
    store = Layout(folders.layout, folders.unpacked)
    project = Project(name="flights", image=ImageSettings(**settings))
    given = (project, folders, store, talk, engine, variant, depot)
    return Builder(*given, hermetic=hermetic), store, talk


def roles(image):
    """The roles of the layers, from the bottom."""
    return [layer.role for layer in image.layers]


def config(store, image):
    """The configuration of an image."""
    with store.open(store.manifest(image.digest).config.digest) as stream:
        return json.load(stream)


def model(store, folder, version=1):
    """A model's artifact in the store, and its record."""
    folder.mkdir(exist_ok=True)
    for name, content in MODEL.items():
        (folder / name).write_bytes(content + b" " * version)
    kept = write_model(store, folder, name="delay", version=version)
    contract = Contract(task="regression", target="t", fields=(), outputs=(), prediction="p")
    return kept, Model(
        name="delay",
        version=version,
        digest=kept.digest,
        content=kept.digest,
        run="r",
        created=0.0,
        task="regression",
        metrics={},
        contract=contract,
    )


def test_the_image_of_the_steps_holds_everything(world):
    """Base, shell, what the server needs, what the user asked for; where each belongs."""
    build, store, _ = builder(world)
    image = build.step_image()
    root = store.rootfs(image.digest)
    assert roles(image) == ["base", "shell", "runtime", "packages"]
    for name in ("usr/bin/python3", "bin/sh", "usr/bin/grep", "lib/libshell.so", "project"):
        assert (root / name).exists(), name
    packages = root / "usr/local/lib/python3.13/dist-packages"
    assert (packages / "forest/__init__.py").is_file()
    assert (packages / "numpy/__init__.py").read_text() == "VERSION = '2.2'\n"
    script = (root / "usr/local/bin/forest").read_text()
    assert script.startswith("#!/usr/bin/python3\n")
    assert "Entrypoint" not in config(store, image)["config"]


def test_what_wheels_bring_beside_packages_is_where_they_say(world, wheels):
    """Data below the prefix, whatever it is called; packages of such names stay packages."""
    inner = "odd-1.0.data"
    files = {
        f"{inner}/data/lib/odd.txt": "data",
        f"{inner}/data/share/odd/text": "text",
        f"{inner}/headers/odd.h": "header",
        f"{inner}/scripts/run": "#!python\nprint()\n",
        "share/__init__.py": "",
        "etc/module.py": "",
    }
    wheel(wheels, "odd", files=files, script=True)
    (world / "requirements.txt").write_text("odd\n")
    build, store, _ = builder(world)
    root = store.rootfs(build.step_image().digest) / "usr/local"
    packages = root / "lib/python3.13/dist-packages"
    assert (root / "lib/odd.txt").read_text() == "data"
    assert (root / "share/odd/text").is_file()
    assert (root / "include/odd/odd.h").is_file()
    assert (root / "bin/run").read_text() == "#!/usr/bin/python3\nprint()\n"
    assert (packages / "share/__init__.py").is_file()
    assert (packages / "etc/module.py").is_file()
    listed = (packages / "odd-1.0.dist-info/RECORD").read_text().splitlines()
    names = [line.partition(",")[0] for line in listed]
    assert all((packages / name).exists() for name in names)
    assert {"../../../bin/odd", "../../../share/odd/text", "../../odd.txt"} <= set(names)
    assert not any("3.11" in name or "site" in name for name in names)


def test_the_image_that_serves_shares_its_layers(world, tmp_path):
    """Base and runtime, digest by digest; the model's blobs are those of its artifact."""
    build, store, _ = builder(world)
    steps = build.step_image()
    kept, record = model(store, tmp_path / "model")
    image = build.serving_image(record)
    assert roles(image) == ["base", "runtime", "server", *["bytecode"] * 2, *["model"] * 5]
    assert image.layers[0].descriptor == steps.layers[0].descriptor
    assert image.layers[1].descriptor == steps.layers[2].descriptor
    assert sorted(layer.holds for layer in image.layers[5:]) == sorted(MODEL)
    artifact = {layer.digest for layer in store.manifest(kept.digest).layers}
    assert {layer.descriptor.digest for layer in image.layers[5:]} == artifact
    root = store.rootfs(image.digest)
    assert (root / "model/model.onnx").read_bytes() == MODEL["model.onnx"] + b" "
    assert (root / "opt/sealift/sealift/container.py").is_file()
    assert not (root / "usr/bin/sh").exists()
    settings = config(store, image)["config"]
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["/usr/bin/python3", "-m", "sealift.container", "serve"]
    assert "PYTHONPATH=/opt/sealift" in settings["Env"]
    assert settings["Labels"]["sealift.model.digest"] == kept.digest
    assert store.resolve("flights:1").digest == image.digest


def test_a_model_is_an_artifact_in_the_format_of_modelpack(world, tmp_path):
    """Types, configuration, and a digest that depends on its files alone."""
    _, store, _ = builder(world)
    kept, _ = model(store, tmp_path / "one")
    again, _ = model(store, tmp_path / "two")
    other, _ = model(store, tmp_path / "three", version=3)
    assert kept == again != other
    manifest = store.manifest(kept.digest)
    assert kept.artifact_type == manifest.artifact_type == MODEL_MANIFEST
    assert manifest.config.media_type == MODEL_CONFIG
    with store.open(manifest.config.digest) as stream:
        content = json.load(stream)
    assert set(content) == {"descriptor", "config", "modelfs"}
    assert content["modelfs"]["diffIds"] == [layer.digest for layer in manifest.layers]
    assert manifest.layers[0].media_type == "application/vnd.cncf.model.weight.v1.tar"
    (tmp_path / "one" / "golden.json").unlink()
    with pytest.raises(PackageError, match=r"golden\.json"):
        write_model(store, tmp_path / "one", name="delay", version=1)


def test_a_new_model_writes_its_own_layers_only(world, tmp_path):
    """All others are found again."""
    build, store, talk = builder(world)
    _, first = model(store, tmp_path / "first")
    build.serving_image(first)
    before = {path.name for path in (store.root / "blobs/sha256").iterdir()}
    kept, record = model(store, tmp_path / "model", version=2)
    talk.steps.clear()
    image = build.serving_image(record)
    assert all(layer.reused for layer in image.layers)
    assert {status for _, status in talk.steps} == {"unchanged"}
    after = {path.name for path in (store.root / "blobs/sha256").iterdir()}
    made = {layer.digest for layer in store.manifest(kept.digest).layers}
    locks = {one.digest for one in store.referrers(image.digest, LOCK)}
    manifests = {kept.digest, image.digest, *locks}
    configs = {store.manifest(address).config.digest for address in manifests}
    assert after - before == {address[7:] for address in made | manifests | configs} - before


def test_a_lock_counts_until_its_inputs_change(world, wheels, archive):
    """Newer packages wait for a new lock; no source is asked while the lock counts."""
    build, _, _ = builder(world)
    lock = build.lock()
    wheel(wheels, "forest", version="2.0")
    archive.folder.rename(archive.folder.with_name("gone"))
    assert builder(world)[0].lock() == lock
    archive.folder.with_name("gone").rename(archive.folder)
    (world / "requirements.txt").write_text("forest # once more\n")
    changed = build.lock()
    assert changed.packages[0].startswith("forest==2.0 --hash=sha256:")
    assert changed.inputs != lock.inputs
    assert build.lock(refresh=True) == changed


def test_the_lock_has_the_digests_of_wheels_that_fit(world, wheels):
    """One for each where there is no choice, so that it says which file is in the image."""
    for tag in ("cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_28_aarch64"):
        wheel(wheels, "msgspec", version="0.40", tag=tag)
    mine = wheels / "msgspec" / "msgspec-0.40-cp313-cp313-manylinux_2_28_x86_64.whl"
    page = mine.parent / "index.html"
    sums = {path.name: digest.of_file(path)[7:] for path in mine.parent.glob("*.whl")}
    for name, value in sums.items():
        page.write_text(page.read_text().replace(f'"{name}"', f'"{name}#sha256={value}"'))
    build, _, _ = builder(world)

    line = next(one for one in build.lock().runtime if one.startswith("msgspec=="))

    assert line == f"msgspec==0.40 --hash={digest.of_file(mine)}"


def test_the_lock_names_no_host_and_reads_back(world, archive):
    """Paths and digests only."""
    build, _, _ = builder(world)
    lock = build.lock()
    text = (world / "sealift.lock").read_text()
    assert "://" not in text
    assert str(archive.folder) not in text
    assert [deb.name for deb in lock.shell] == [
        *("coreutils", "dash", "findutils", "grep", "libshell", "sed")
    ]
    assert {line.partition("==")[0] for line in lock.runtime} == {
        *("click", "flatbuffers", "httptools", "hpack", "msgspec", "numpy", "onnxruntime"),
        "pysimdjson",
    }
    (world / "sealift.lock").write_text(text[:-20])
    with pytest.raises(ProjectError, match="lock"):
        build.lock()


def test_included_requirements_are_inputs_too(world):
    """A change in one of them makes a new lock."""
    (world / "requirements.txt").write_text("-r more.txt\n")
    (world / "more.txt").write_text("forest\n")
    build, _, _ = builder(world)
    first = build.lock()
    (world / "more.txt").write_text("forest\nclick<1\n")
    assert build.lock().inputs != first.inputs
    (world / "more.txt").unlink()
    with pytest.raises(ProjectError, match=r"more\.txt"):
        build.lock()


def test_a_project_without_requirements_has_what_the_server_needs(world):
    """And no layer of further packages; the absence is told."""
    (world / "requirements.txt").unlink()
    build, _, talk = builder(world)
    assert build.lock().packages == ()
    assert any("There is no requirements.txt" in text for _, text in talk.steps)
    assert roles(build.step_image()) == ["base", "shell", "runtime"]


def test_requirements_that_are_named_must_be_there(world):
    """A name in the project file that leads nowhere is a slip."""
    build, _, _ = builder(world, requirements="needs.txt")
    with pytest.raises(ProjectError, match=r"no needs\.txt"):
        build.lock()


def test_a_lock_does_not_lose_its_packages_to_a_missing_file(world):
    """That would be a slip more often than a wish: the lock is left as it is."""
    build, _, _ = builder(world)
    build.lock()
    before = (world / "sealift.lock").read_bytes()
    (world / "requirements.txt").unlink()
    with pytest.raises(ProjectError, match=r"no requirements\.txt"):
        build.lock()
    assert (world / "sealift.lock").read_bytes() == before


def test_indexes_that_the_requirements_name_are_used(world, wheels, tmp_path, monkeypatch):
    """To choose and to unpack; the lock does not tell of them."""
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    (world / "requirements.txt").write_text(f"--index-url file://{wheels}\nforest\n")
    build, _, _ = builder(world)
    build.lock()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other-uv"))
    assert "packages" in roles(build.step_image())
    assert "://" not in (world / "sealift.lock").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://me:word@index.example/simple",
        "--extra-index-url=https://token@index.example/simple",
        "forest @ https://:word@files.example/forest-1.0-py3-none-any.whl",
        "forest @ git+ssh://me:word@code.example/forest",
    ],
)
def test_a_password_in_the_requirements_is_refused(world, line):
    """Also in included files: they would be kept with the code of every run."""
    (world / "requirements.txt").write_text("-r more.txt\n")
    (world / "more.txt").write_text(f"forest\n{line}\n")
    with pytest.raises(ProjectError, match=r"holds a name or a password.*\*\*\*@") as caught:
        builder(world)[0].lock()
    assert caught.value.where == f"{world / 'more.txt'}:2"
    assert "word" not in caught.value.what.replace("password", "")
    assert "token" not in caught.value.what


def test_a_password_may_come_from_the_environment(world):
    """As pip and uv know it; a user's name for git is no secret either."""
    text = "--index-url https://${ME}:${WORD}@h.invalid/\na @ git+ssh://git@h.invalid/a\n"
    (world / "requirements.txt").write_text(text)
    assert requirements.texts("requirements.txt", world) == {"requirements.txt": text}


def test_packages_that_cannot_be_had_together_are_said(world):
    """With what the resolver says of it."""
    (world / "requirements.txt").write_text("forest\nnumpy>=2.3\n")
    with pytest.raises(PackageError, match="forest"):
        builder(world)[0].lock()
    (world / "requirements.txt").write_text("nothing-of-this-name\n")
    with pytest.raises(PackageError, match="nothing-of-this-name"):
        builder(world)[0].lock()


def test_packages_without_a_wheel_are_named(world, wheels):
    """Those that others want too; nothing of them is run to find out more."""
    trap = world / "ran"
    back = f"open({str(trap)!r}, 'w')\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
    sdist(wheels, "seedling", {"pyproject.toml": project, "back.py": back})
    wheel(wheels, "garden", needs=["seedling"])
    (world / "requirements.txt").write_text("garden\n")
    with pytest.raises(PackageError, match="No wheel of seedling fits") as caught:
        builder(world)[0].lock()
    assert "sealift.toml" in caught.value.remedy
    assert not trap.exists()


def test_a_python_that_the_suite_lacks_is_answered_with_those_it_has(world):
    """Before anything is downloaded."""
    with pytest.raises(ProjectError, match=r"It has 3\.13"):
        builder(world, python="3.12")[0].lock()


def test_everything_is_built_again_with_no_source_at_all(world, archive, wheels, monkeypatch):
    """From the lock, the cache of packages and uv's own cache."""
    build, _, _ = builder(world)
    image = build.step_image()
    elsewhere = world.with_name("elsewhere")
    elsewhere.mkdir()
    for name in ("requirements.txt", "sealift.lock"):
        (elsewhere / name).write_bytes((world / name).read_bytes())
    archive.folder.rename(archive.folder.with_name("gone"))
    monkeypatch.delenv("SEALIFT_MIRROR")
    monkeypatch.delenv("SEALIFT_KEYRING")
    again, other, talk = builder(elsewhere)
    assert again.step_image().digest == image.digest
    assert other.has(image.digest)
    assert not [name for name, _ in talk.steps if name == "download"]


def test_what_is_missing_with_no_source_is_named(world, archive, tmp_path):
    """Package by package."""
    build, _, _ = builder(world)
    build.lock()
    path = archive.folder / "pool" / "dash_1.0_amd64.deb"
    path.unlink()
    with pytest.raises(SourceError, match=r"dash 1\.0"):
        build.step_image()


def test_a_flipped_bit_in_a_downloaded_package_is_noticed(world, archive, tmp_path):
    """It is fetched again; a mirror that sends it is refused."""
    build, store, _ = builder(world)
    lock = build.lock()
    image = build.step_image()
    deb = next(deb for deb in lock.base if deb.name == "libc6")
    cached = tmp_path / "cache" / "debs" / deb.sha256[:2] / deb.sha256
    for path, sound in ((cached, True), (archive.folder / deb.path, False)):
        data = bytearray(path.read_bytes())
        data[-9] ^= 1
        path.write_bytes(data)
        for note in (world / ".sealift/layers").iterdir():
            note.unlink()
        if sound:
            assert build.step_image().digest == image.digest
        else:
            cached.unlink()
            (store.root / "blobs/sha256" / image.layers[0].descriptor.digest[7:]).unlink()
            with pytest.raises(SourceError, match="libc6"):
                build.step_image()


def test_a_layer_that_the_store_lost_is_made_again(world):
    """A note on it is not enough."""
    build, store, _ = builder(world)
    image = build.step_image()
    (store.root / "blobs/sha256" / image.layers[0].descriptor.digest[7:]).unlink()
    again = build.step_image()
    assert again.digest == image.digest
    assert not again.layers[0].reused
    assert again.layers[1].reused


BUILD = """
import sys, os
os.umask(int(sys.argv[2], 8))
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_images import builder, model
build, store, _ = builder(Path(sys.argv[1]))
print(build.step_image().digest, flush=True)
_, record = model(store, Path(sys.argv[1]) / f"model-{os.getpid()}")
print(build.serving_image(record).digest, flush=True)
"""


def start(folder, umask="022", **environment):
    """A process that builds the project in a folder."""
    words = [sys.executable, "-c", BUILD, folder, umask, Path(__file__).parent]
    return subprocess.Popen(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )


def copy(world, name):
    """The project, with its lock, in another folder."""
    folder = world.with_name(name)
    folder.mkdir(mode=0o755)
    for file in ("requirements.txt", "sealift.lock"):
        (folder / file).write_bytes((world / file).read_bytes())
    return folder


def test_every_circumstance_gives_one_digest(world, tmp_path):
    """Folder, umask, time zone, hash seed, locale, home, caches: none of them counts."""
    builder(world)[0].lock()
    circumstances = (
        {},
        {"umask": "077", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1", "LC_ALL": "C"},
        {
            "umask": "000",
            "TZ": "America/Lima",
            "PYTHONHASHSEED": "2",
            "UV_CACHE_DIR": str(tmp_path / "other-uv"),
            "SEALIFT_CACHE": str(tmp_path / "other-cache"),
            "UV_LINK_MODE": "copy",
            "SOURCE_DATE_EPOCH": "1",
        },
    )
    made = []
    for number, circumstance in enumerate(circumstances):
        folder = copy(world, f"{'deep' * 20 * number}{number}")
        with start(folder, **circumstance) as process:
            made.append(process.communicate()[0].split())
        assert process.returncode == 0
    assert len(made[0]) == 2
    assert made[0] == made[1] == made[2]


def test_a_kill_in_the_middle_of_a_build_costs_time_only(world):
    """The store stays valid, and the next build finishes and leaves no scratch folder."""
    builder(world)[0].lock()
    for turn in range(3):
        folder = copy(world, f"killed{turn}")
        with start(folder) as process:
            while process.poll() is None and not (folder / ".sealift").exists():
                time.sleep(0.005)
            time.sleep(0.12 * turn)
            os.kill(process.pid, signal.SIGKILL)
        for path in folder.glob(".sealift/layout/blobs/sha256/*"):
            assert digest.of_file(path) == f"sha256:{path.name}"
        build, store, _ = builder(folder)
        image = build.step_image()
        assert msgspec.json.encode(store.manifest(image.digest))
        assert store.rootfs(image.digest).is_dir()
        assert not list((folder / ".sealift/scratch").iterdir())


def test_what_a_killed_build_left_goes_though_nothing_is_built(world):
    """With every layer in the store already, and no scratch folder needed."""
    build, _, _ = builder(world)
    build.step_image()
    left = world / ".sealift" / "scratch" / "999999999.1.gone"
    left.mkdir(parents=True)
    builder(world)[0].step_image()

    assert not left.exists()


def test_two_builds_at_once_do_not_disturb_each_other(world):
    """In one project."""
    builder(world)[0].lock()
    with start(world) as one, start(world) as two:
        first, second = one.communicate()[0], two.communicate()[0]
    assert one.returncode == two.returncode == 0
    assert first == second
