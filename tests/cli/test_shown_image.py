"""An image as a person sees it: each layer says what it is."""

from sealift.cli.output import Page
from sealift.cli.pack import show_image
from sealift.record.image import LAYER, Descriptor, Layer
from sealift.testing.ledger_suite import DIGEST, image


def test_no_two_layers_have_one_name(capsys):
    """Those of a model are told apart by their files."""
    blob = Descriptor(media_type=LAYER, digest=DIGEST, size=7)
    layers = [Layer(descriptor=blob, diff_id=DIGEST, role="base")]
    for name in ("model.onnx", "contract.json"):
        layers.append(Layer(descriptor=blob, diff_id=DIGEST, role="model", holds=name))

    show_image(Page(as_json=False), image(DIGEST, layers=tuple(layers)))

    lines = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines[1:4] == ["base", "model model.onnx", "model contract.json"]
