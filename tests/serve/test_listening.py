"""The address that a server listens on."""

import pytest

from sealift.errors import UsageError
from sealift.serve import listening


def test_an_address_is_one_as_it_is_written():
    """Of this machine, with a free port."""
    assert listening.claim("127.0.0.1", 0) > 0


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "010.0.0.1", "127.0.0.1%lo", "::g", "\udcff"]
)
def test_what_is_no_address_is_refused(host):
    """Nothing is looked up, and no short form is guessed at."""
    with pytest.raises(UsageError, match="SEALIFT_HOST must be an IP address"):
        listening.claim(host, 0)
