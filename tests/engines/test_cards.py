"""Graphics cards in containers, by CDI specifications of harmless devices: no card is needed."""

import json
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.engines.cdi import FOLDERS, Devices, Edits, Hook
from sealift.adapters.engines.cdi_injection import injection, soname
from sealift.adapters.engines.podman import Podman
from sealift.adapters.stores.layout import Layout
from sealift.errors import MachineError
from sealift.testing.engine_bench import EngineBench

SHOW = (
    'echo "VISIBLE=$CARD_DRIVER"; for f in /dev/sealift*; do [ -c $f ] && echo NODE=$f; done;'
    "cat /opt/driver/word; echo x 2>/dev/null > /opt/driver/new || echo READ-ONLY;"
    "echo gone > /dev/sealift-card0 && cat /dev/sealift-card0 && echo USABLE"
)


def library():
    """A library of this machine that has a name of its own."""
    return next(
        path.resolve()
        for folder in ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib64")
        for path in sorted(Path(folder).glob("libz.so.1*"))
    )


def specification(folder, kind="nvidia.com/gpu", cards=2, hooks=(), extra=()):
    """A driver whose cards are /dev/null, with a folder and a variable that all of them need."""
    driver = folder / "driver"
    driver.mkdir(parents=True, exist_ok=True)
    (driver / "word").write_text("FROM THE DRIVER\n")
    folder.chmod(0o755)

    def device(name, nodes):
        edits = {
            "deviceNodes": [{"path": f"/dev/sealift-{n}", "hostPath": "/dev/null"} for n in nodes]
        }
        return {"name": name, "containerEdits": edits}

    single = [device(str(n), [f"card{n}"]) for n in range(cards)]
    return {
        "cdiVersion": "0.5.0",
        "kind": kind,
        "devices": [*single, device("all", [f"card{n}" for n in range(cards)])],
        "containerEdits": {
            "env": ["CARD_DRIVER=1.2"],
            "deviceNodes": [{"path": "/dev/sealift-control", "hostPath": "/dev/zero"}],
            "mounts": [
                {
                    "hostPath": str(driver),
                    "containerPath": "/opt/driver",
                    "options": ["ro", "nosuid", "nodev", "bind"],
                },
                *extra,
            ],
            "hooks": list(hooks),
        },
    }


@pytest.fixture
def described(tmp_path):
    """A function that describes cards in a folder, and gives it."""

    def write(**how):
        folder = tmp_path / "cdi"
        folder.mkdir(exist_ok=True)
        (folder / "cards.json").write_text(json.dumps(specification(tmp_path, **how)))
        return folder

    return write


@pytest.fixture
def shown(image_store, tmp_path):
    """A function that runs a line in a container of bubblewrap with cards."""
    place, image = image_store

    def run(folder, script, gpus):
        store = Layout(place / "layout", place / "unpacked")
        engine = Bubblewrap(store, tmp_path / "live", devices=Devices([folder]))
        bench = EngineBench(engine=engine, image=image, folder=tmp_path, source="")
        return bench.run(script, gpus=gpus)

    return run


@pytest.mark.engine
def test_bubblewrap_puts_a_card_and_its_driver_into_the_container(described, shown):
    """Its device file alone, what all cards share, and nothing where none is asked for."""
    ended, wrote = shown(described(), SHOW, 1)

    assert ended.status == 0, wrote
    assert "VISIBLE=1.2" in wrote
    assert "NODE=/dev/sealift-card0\nNODE=/dev/sealift-control\n" in wrote
    assert "FROM THE DRIVER\nREAD-ONLY\nUSABLE" in wrote
    _, bare = shown(described(), "ls /dev /opt; echo =$CARD_DRIVER=", 0)
    assert "sealift" not in bare
    assert "==" in bare
    _, both = shown(described(), "ls /dev", "all")
    assert {"sealift-card0", "sealift-card1"} <= set(both.split())


@pytest.mark.engine
def test_bubblewrap_does_what_the_hooks_of_nvidia_would(described, shown):
    """Links as they say, those by the names that libraries have, and where the linker looks."""
    where = "/usr/lib/of-driver"
    hooks = [
        {
            "hookName": "createContainer",
            "path": "/usr/bin/nvidia-cdi-hook",
            "args": [
                "nvidia-cdi-hook",
                "create-symlinks",
                "--link",
                f"libz.so.1::{where}/libcard.so",
            ],
        },
        {
            "hookName": "createContainer",
            "path": "/usr/bin/nvidia-ctk",
            "args": ["nvidia-ctk", "hook", "update-ldcache", f"--folder={where}"],
        },
        {
            "hookName": "createContainer",
            "path": "/usr/bin/nvidia-cdi-hook",
            "args": ["nvidia-cdi-hook", "disable-device-node-modification"],
        },
    ]
    real = library()
    extra = [{"hostPath": str(real), "containerPath": f"{where}/libz.so.9.9", "options": ["ro"]}]
    ended, wrote = shown(
        described(hooks=hooks, extra=extra),
        f"cd {where}; for f in *; do echo $f; cat $f >/dev/null || exit 3; done;"
        "echo =$LD_LIBRARY_PATH=",
        1,
    )

    assert soname(real) == "libz.so.1"
    assert ended.status == 0, wrote
    assert wrote.split() == ["libcard.so", "libz.so.1", "libz.so.9.9", f"={where}="]


def test_what_only_a_runtime_can_do_is_refused():
    """Rather than left out without a word."""
    hook = Hook(hook_name="createRuntime", path="/opt/vendor/setup", args=("setup", "everything"))
    with pytest.raises(MachineError, match="wants /opt/vendor/setup called") as caught:
        injection(Edits(hooks=(hook,)), {})

    assert "podman" in caught.value.remedy


def test_a_specification_that_is_out_of_date_is_refused(described, shown, tmp_path):
    """With the file that is gone."""
    folder = described()
    shutil.rmtree(tmp_path / "driver")
    with pytest.raises(MachineError, match="not on this machine") as caught:
        shown(folder, "true", 1)

    assert caught.value.where == str(tmp_path / "driver")


def test_containers_of_one_process_get_different_cards(described):
    """The least used ones, in order; all of them for one that asks for all."""
    devices = Devices([described(cards=3)])

    assert devices.count() == 3
    with devices.lent(1) as first, devices.lent(2) as others:
        assert first.names == ("nvidia.com/gpu=0",)
        assert others.names == ("nvidia.com/gpu=1", "nvidia.com/gpu=2")
    with devices.lent("all") as whole:
        assert len(whole.names) == len(whole.edits.device_nodes) - 1 == 3


def test_a_machine_without_cards_says_how_they_are_described(tmp_path):
    """And so does one with too few; files that cannot be read are no cards."""
    (tmp_path / "broken.json").write_text("{ half")
    (tmp_path / "other.yaml").write_text("cdiVersion: '0.6.0'\nkind: a.test/net\ndevices: []\n")
    devices = Devices([tmp_path, tmp_path / "gone"])

    assert devices.count() == 0
    with pytest.raises(MachineError, match="describes 0") as caught, devices.lent("all"):
        pass
    assert "nvidia-ctk cdi generate" in caught.value.remedy


def test_what_the_later_folder_says_counts(tmp_path):
    """Drivers that are found at the start of the machine win over what was installed."""
    for number, name in enumerate(("etc", "run")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(
            "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n"
            f"- {{name: 0, containerEdits: {{env: [FROM={name}]}}}}\n"
            f"- {{name: GPU-{number}, containerEdits: {{}}}}\n"
        )
    with Devices([tmp_path / "etc", tmp_path / "run"]).lent("all") as given:
        assert given.names == ("nvidia.com/gpu=0",)
        assert given.edits.env == ("FROM=run",)


@pytest.fixture
def for_podman(tmp_path, podman_settings, image_store):
    """Cards of a vendor that nobody else has, where podman itself looks for them."""
    kind = f"sealift-{secrets.token_hex(6)}.test/gpu"
    there = FOLDERS[1]
    made = not there.exists()
    there.mkdir(parents=True, exist_ok=True)
    file = there / f"{kind.partition('.')[0]}.json"
    file.write_text(json.dumps(specification(tmp_path, kind=kind)))
    own = tmp_path / "cdi"
    own.mkdir()
    shutil.copy(file, own)
    place, image = image_store
    engine = Podman(
        Layout(place / "layout", place / "unpacked"), tmp_path / "live", devices=Devices([own])
    )
    yield EngineBench(engine=engine, image=image, folder=tmp_path, source="")
    file.unlink()
    if made:
        with suppress(OSError):  # another test may have put something there
            there.rmdir()


@pytest.mark.engine
def test_podman_is_told_which_cards(for_podman):
    """It knows CDI itself, and calls the vendor's hooks."""
    assert for_podman.engine.guarantees().gpus == 2
    ended, wrote = for_podman.run(SHOW, gpus=1)

    assert ended.status == 0, wrote
    assert "VISIBLE=1.2" in wrote
    assert "NODE=/dev/sealift-card0\nNODE=/dev/sealift-control\n" in wrote
    assert "FROM THE DRIVER\nREAD-ONLY\nUSABLE" in wrote
