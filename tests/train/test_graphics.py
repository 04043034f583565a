"""Graphics cards: a step gets what it asks for, or is refused; the record says what there was."""

import pytest
from train_foreseen import ahead
from train_project import Small, on_host, one

from sealift.errors import MachineError
from sealift.record.container import Guarantees
from sealift.testing.engine import MemoryEngine
from sealift.train.graphics import Graphics, graphics


def with_cards(root, cards):
    """The project on a machine with so many cards, whose training asks for one."""
    guarantees = Guarantees(
        network_isolated=True,
        memory_limited=True,
        cpu_limited=True,
        survives_caller=True,
        gpus=cards,
    )
    made = Small(root, MemoryEngine(on_host, guarantees=guarantees))
    made.change("params = { depth = 2, seed = 7 }", "params = { depth = 2, seed = 7 }\ngpus = 1")
    return made


def test_a_step_gets_the_card_that_it_asks_for(tmp_path):
    """The container is asked for with it, and the plan shows it."""
    project = with_cards(tmp_path, 2)
    assert ahead(project)["train"].gpus == 1
    run = project.run()

    assert [spec.gpus for spec in project.engine.ran] == [0, 1, 0]
    assert one(run, "train").leaves["resource.gpus"] == "1"
    assert "resource.gpus" not in one(run, "prepare").leaves


def test_a_machine_without_cards_refuses_the_step_before_its_container(tmp_path):
    """In a sentence that says what there is; what comes before it is done."""
    project = with_cards(tmp_path, 0)
    with pytest.raises(MachineError, match="asks for 1 graphics card; memory finds none") as caught:
        project.run()

    assert caught.value.where == "sealift.toml: steps.train.gpus"
    assert [spec.gpus for spec in project.engine.ran] == [0]
    project.change("gpus = 1", 'gpus = "all"')
    assert "asks for all graphics cards; memory finds none" in ahead(project)["train"].because


def test_more_cards_are_asked_for_than_there_are(tmp_path):
    """It never waits for cards that do not exist."""
    project = with_cards(tmp_path, 2)
    project.change("gpus = 1", "gpus = 3")
    with pytest.raises(MachineError, match="3 graphics cards; memory finds 2 graphics cards"):
        project.run()


def test_who_cannot_count_its_cards_is_asked_for_any_number(tmp_path):
    """As a cluster is, which finds a machine that has them."""
    project = with_cards(tmp_path, None)
    project.change("gpus = 1", "gpus = 8")

    assert project.run().status == "done"


def test_the_driver_tells_what_cards_there_are(tmp_path):
    """In the words of its own files."""
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.03  Tue Oct 7 21:04:12 UTC 2025\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
    )
    for number in (0, 1):
        card = tmp_path / "gpus" / f"0000:0{number}:00.0"
        card.mkdir(parents=True)
        (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 42\n")

    assert graphics(tmp_path) == Graphics(("NVIDIA H200", "NVIDIA H200"), "580.159.03")
    assert graphics(tmp_path / "gone").driver == graphics().driver
