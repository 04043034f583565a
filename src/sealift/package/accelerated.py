"""The lock of a server that computes on a graphics card: that of the other one, but for its wheels.

Both share base and small wheels digest by digest. CUDA's libraries come as wheels of their own, so
that no image of NVIDIA is needed; only the driver is the machine's.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from sealift import digest
from sealift.errors import PackageError
from sealift.network.network import Network
from sealift.package import locking, wheels
from sealift.package.locking import House
from sealift.ports import Progress
from sealift.record.lock import Lock
from sealift.types import Digest, Json


def inputs(plain: Lock) -> Digest:
    """The digest of all that the choice of packages is made from."""
    decisive: list[Json] = ["cuda", list(wheels.CUDA), str(plain.digest)]
    return digest.of_json(decisive)


def choose(
    plain: Lock, requirements: Path, network: Network, progress: Progress, house: House
) -> Lock:
    """Choose the wheels of the server for CUDA, in the versions of the plain lock where it can be.

    ``requirements`` is the user's file, which may name indexes; ``house`` has what was built.
    Raises ``PackageError`` when they cannot be had for the platform.
    """
    progress.step("lock", f"choosing wheels for {plain.platform} with CUDA")
    target = locking.target_of(plain)
    user = requirements if requirements.exists() else None
    with tempfile.TemporaryDirectory() as name:
        like = Path(name) / "like.txt"
        like.write_text("".join(f"{pin}\n" for pin in pins(plain)))
        try:
            built = sorted(house.place(plain, Path(name)).values())
            runtime = wheels.lock_alone(user, target, network, wheels.CUDA, like, built)
        except PackageError as error:
            raise PackageError(
                f"The server's packages for CUDA cannot be had for {plain.platform}. {error.what}",
                where="sealift.toml: image.accelerators",
                remedy="Take 'cuda' off image.accelerators, or name an index that has them.",
            ) from error
    progress.step("lock", f"{len(runtime)} wheels")
    return msgspec.structs.replace(
        plain, accelerator="cuda", inputs=inputs(plain), runtime=runtime, shell=(), packages=()
    )


def pins(plain: Lock) -> list[str]:
    """The versions of a plain lock, as constraints for the other one.

    The packages of onnxruntime for processor and card come in the same versions.
    """
    found = [line.partition(" ")[0] for line in plain.runtime]
    return found + [
        one.replace("onnxruntime==", "onnxruntime-gpu==")
        for one in found
        if one.startswith("onnxruntime==")
    ]


__all__ = ["choose", "inputs", "pins"]
