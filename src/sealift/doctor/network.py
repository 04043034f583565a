"""The settings of the network, as far as they show without asking anybody."""

from __future__ import annotations

from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError
from sealift.secrets import hidden


def look(patient: Patient) -> Seen:
    """Read the certificates and the proxies."""
    network = patient.network
    try:
        known = network.authorities.count("BEGIN CERTIFICATE")
        ways = sorted({one for one in (network.proxies.http, network.proxies.https) if one})
    except MachineError as error:
        return Seen("the settings cannot be used", (trouble(error, "error"),))
    if network.offline:
        return Seen("switched off: only this machine is asked")
    way = " and ".join(f"by {hidden(one)}" for one in ways) or "direct"
    return Seen(f"{way}; {known} certificate authorities are trusted")


CHECK = Check("network", "Proxies and certificate authorities can be used.", look)

__all__ = ["CHECK"]
