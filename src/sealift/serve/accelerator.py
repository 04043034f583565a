"""What computes the model: a graphics card where the image and the machine have one."""

from __future__ import annotations

from typing import Any

CARD = "CUDAExecutionProvider"
PROCESSOR = "CPUExecutionProvider"

Provider = str | tuple[str, dict[str, str]]


def providers(runtime: Any) -> list[Provider]:
    """What onnxruntime is to compute with, in order of preference; ``runtime`` is its module.

    On a card in full single precision: with TF32, which is the default there, results have
    10 bits of mantissa (NVIDIA, "Accelerating AI Training with TF32"), and golden vectors would
    not come out. Without a card, or with an unfit driver, the processor computes.
    """
    if CARD not in runtime.get_available_providers():
        return [PROCESSOR]
    # the libraries of CUDA lie in wheels beside onnxruntime, where the linker does not look
    runtime.preload_dlls()
    return [(CARD, {"use_tf32": "0"}), PROCESSOR]


def in_use(session: Any) -> str:
    """What computes the model of a session: ``cuda`` or ``cpu``."""
    return "cuda" if CARD in session.get_providers() else "cpu"


__all__ = ["CARD", "PROCESSOR", "in_use", "providers"]
