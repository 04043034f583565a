"""An image as a person sees it: each layer says what it is, each change once why it came."""

import msgspec

from sealift.cli.output import Page
from sealift.cli.pack import show_image
from sealift.record.explanation import Explanation, LayerStory, Package
from sealift.testing.ledger_suite import DIGEST, image


def told(**changed):
    """An image with a base and two files of a model, explained."""
    story = LayerStory(layer="base", digest=DIGEST, size=7_000_000, unpacked=9, state="same")
    why = {"state": "changed", "because": ("model 4 instead of 3",)}
    layers = [story]
    for name in ("model.onnx", "contract.json"):
        layers.append(msgspec.structs.replace(story, layer=f"model {name}", size=7, **why))
    sizes = [Package(name=f"p{n}", layer="base", unpacked=n) for n in range(9, 0, -1)]
    made = Explanation(
        image=DIGEST, since=DIGEST, layers=tuple(layers), gone=(), packages=tuple(sizes)
    )
    return msgspec.structs.replace(made, **changed)


def shown(capsys, explained):
    """The lines that are printed."""
    show_image(Page(as_json=False), image(DIGEST), explained)
    return capsys.readouterr().out.splitlines()


def test_no_two_layers_have_one_name(capsys):
    """Those of a model are told apart by their files."""
    lines = [line.split("  ")[0] for line in shown(capsys, told())]
    assert lines[1:4] == ["base", "model model.onnx", "model contract.json"]


def test_a_reason_is_told_once(capsys):
    """However many layers it changed; and what has to be sent is summed up."""
    lines = shown(capsys, told())
    assert lines.count("model: model 4 instead of 3") == 1
    assert lines[-1].endswith("7.0 MB, 0 kB unpacked; 0 kB since the image before")
    assert "largest packages: p9 0 kB, p8 0 kB, p7 0 kB, p6 0 kB, p5 0 kB" in lines


def test_a_first_image_is_compared_with_nothing(capsys):
    """And a layer that is gone is told."""
    assert "before" not in shown(capsys, told(since=None))[-1]
    assert "debian: no longer in the image" in shown(capsys, told(gone=("debian",)))
