"""The registry that images are pushed to."""

from __future__ import annotations

from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.retry import Retry
from sealift.adapters.registries.session import Access
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import NotFoundError, OfflineError, SealiftError
from sealift.types import Digest

_NOTHING = Digest("sha256:" + "0" * 64)


def look(patient: Patient) -> Seen:
    """Ask it, as whoever is logged in, for something that it need not have."""
    named = patient.image.registry
    if not named:
        return Seen("none is named in image.registry")
    try:
        access = Access(patient.network, Retry(attempts=2))
        with Client(parse(named), PULL, access) as client:
            client.has(_NOTHING)
    except NotFoundError:
        return Seen(f"{named} answers")
    except OfflineError:
        return Seen("not asked: the network is switched off")
    except SealiftError as error:
        # all but a push works without it
        return Seen("cannot be pushed to", (trouble(error, "warning"),))
    return Seen(f"{named} answers")


CHECK = Check("registry", "The registry that images are pushed to answers and lets us in.", look)

__all__ = ["CHECK"]
