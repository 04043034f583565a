"""A card computes where there is one; without one nobody notices."""

import onnxruntime

from sealift.serve import accelerator


class Cards:
    """The module of onnxruntime as its package for cards shows it."""

    def __init__(self):
        self.preloaded = False

    def get_available_providers(self):
        """What this build of it can use."""
        return ["TensorrtExecutionProvider", accelerator.CARD, accelerator.PROCESSOR]

    def preload_dlls(self):
        """Load the libraries of CUDA."""
        self.preloaded = True


def test_the_usual_package_computes_on_the_processor():
    """It knows of no card."""
    assert accelerator.providers(onnxruntime) == [accelerator.PROCESSOR]


def test_the_package_for_cards_prefers_the_card_in_full_precision():
    """With its libraries loaded before, and the processor where there is no card after all."""
    runtime = Cards()
    (card, options), processor = accelerator.providers(runtime)
    assert runtime.preloaded
    assert (card, processor) == (accelerator.CARD, accelerator.PROCESSOR)
    assert options == {"use_tf32": "0"}
