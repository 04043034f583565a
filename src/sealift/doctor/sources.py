"""Where the packages of the base come from, and whether they can be trusted."""

from __future__ import annotations

from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError, OfflineError
from sealift.folders import downloads
from sealift.package.fetch import Fetcher
from sealift.package.release import verified
from sealift.package.sources import mirror


def look(patient: Patient) -> Seen:
    """Fetch what the archive says of the suite, and check its signature."""
    try:
        source = mirror(patient.network)
        address = f"{source.main}/dists/{patient.image.suite}/InRelease"
        with Fetcher(downloads(), patient.network, pause=0.1) as fetcher:
            release = verified(fetcher.text(address), source.keyring, address)
    except OfflineError as error:
        findings = () if patient.folders.lock.exists() else (trouble(error, "error"),)
        return Seen("not asked: the network is switched off", findings)
    except MachineError as error:
        return Seen("no packages to be had", (trouble(error, patient.severity),))
    return Seen(f"Debian {release.get('Codename', patient.image.suite)}, signed by a trusted key")


CHECK = Check("sources", "A Debian mirror is known, answers, and is signed by a trusted key.", look)

__all__ = ["CHECK"]
