"""What uv says, in Sealift's errors."""

import pytest

from sealift.errors import MachineError, PackageError, SourceError
from sealift.package import uv
from sealift.process import Finished


@pytest.mark.parametrize(
    ("said", "kind", "remedy"),
    [
        (b"error: Failed to copy: No space left on device (os error 28)", MachineError, "space"),
        (b"error: Failed to fetch: operation timed out", SourceError, "network"),
        (b"error: No solution found\n  cause: no wheel\n", PackageError, "wheel"),
    ],
)
def test_the_cause_decides_what_to_do_next(said, kind, remedy):
    """A full disk is the machine's fault, not that of the packages."""
    error = uv._failure(Finished(2, b"", said), "The packages cannot be unpacked", "sealift.lock")
    assert type(error) is kind
    assert remedy in error.remedy
    assert "error:" not in error.what
    assert not error.what.endswith("\n")
