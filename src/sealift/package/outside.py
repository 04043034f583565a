"""Libraries that an image rightly lacks, and who is expected to do without or to bring them."""

from __future__ import annotations

import re

DRIVER = {
    *("libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1", "libnvidia-nvvm.so.4"),
    *("libnvcuvid.so.1", "libnvidia-encode.so.1", "libnvidia-opticalflow.so.1", "libnvoptix.so.1"),
}
"""Parts of NVIDIA's driver: they fit one version of the kernel's module, so that the container
engine puts the machine's own into the container (NVIDIA Container Toolkit, driver capabilities)."""

PLUGINS = {
    r"onnxruntime/capi/libonnxruntime_providers_\w+\.so": "loaded for sessions that ask for it",
    r"numba/np/ufunc/(tbb|omp)pool\.[\w-]+\.so": "one of three ways to run threads, tried in turn",
    r"(torio|torchaudio)/lib/\w*ffmpeg\d*\.(abi3\.)?so": "one for each version of FFmpeg",
    r"torchcodec/libtorchcodec_\w+\d\.so": "one for each version of FFmpeg",
    r"nvidia/[\w/]+/libcufile_rdma\.so\.\d+": "for storage over InfiniBand",
    r"nvidia/[\w/]+/nvshmem_(transport|bootstrap)_\w+\.so[.\d]*": "one for each kind of network",
}
"""Files of well-known wheels that are loaded only where what they need is there, with the reasons;
regular expressions below the folder of the packages."""

_PLUGINS = re.compile("|".join(PLUGINS))


def driver(library: str) -> bool:
    """Whether a library comes with the machine's driver."""
    return library in DRIVER


def plugin(path: str) -> bool:
    """Whether a file, named below the folder of the packages, is loaded only where it can be.

    >>> plugin("onnxruntime/capi/libonnxruntime_providers_cuda.so"), plugin("cv2/cv2.abi3.so")
    (True, False)
    """
    return _PLUGINS.fullmatch(path) is not None


__all__ = ["DRIVER", "PLUGINS", "driver", "plugin"]
