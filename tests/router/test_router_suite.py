"""Every router passes the same suite."""

import pytest

from sealift.testing.router import suite


@pytest.mark.parametrize("claim", suite(), ids=lambda claim: claim.__name__)
def test_traefik(traefik, claim):
    """Traefik keeps the claim."""
    claim(traefik)


@pytest.mark.parametrize("claim", suite(), ids=lambda claim: claim.__name__)
def test_the_router_in_memory(memory, claim):
    """The router in memory keeps the claim, so that what is tested on it holds for others."""
    claim(memory)
