"""The upper half of FP32: numpy has no such type, so its bits travel as 16-bit whole numbers."""

from __future__ import annotations

import numpy as np

from sealift.serve.tensors import Array


def widened(bits: Array) -> Array:
    """The numbers that 16-bit patterns stand for, exactly, as FP32.

    >>> widened(np.array([0x3F80, 0xC000], np.uint16)).tolist()
    [1.0, -2.0]
    """
    return (bits.astype(np.uint32) << 16).view(np.float32)


def packed(array: Array) -> Array:
    """The patterns of the nearest numbers, ties to even, of an array of FP32.

    >>> packed(np.array([1.0, 1.00390625, float("nan")], np.float32)).tolist()
    [16256, 16256, 32704]
    """
    bits = np.ascontiguousarray(array).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    # rounding must not carry NaN over into another number
    return np.where(np.isnan(array), np.uint32(0x7FC0), rounded).astype(np.uint16)


__all__ = ["packed", "widened"]
