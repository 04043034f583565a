"""Whether a release could ever find a report that its policy takes."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.adapters.engines.choice import choose
from sealift.adapters.signers.keyring import Keyring
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError
from sealift.record.report import Finding

WHERE = "sealift.toml: release.policy"


def look(patient: Patient) -> Seen:
    """Compare what the policy demands with the keys, the engine and the settings of the checks."""
    policy = patient.policy
    demands = [
        name
        for name in ("checks", "age", "signed_by", "engines", "strict")
        if getattr(policy, name)
    ]
    found = (*_keys(patient), *_engine(patient), *_database(patient))
    if not demands:
        return Seen("a passed report, signed by a known key, is enough", found)
    return Seen(f"demands {', '.join(demands)}", found)


def _keys(patient: Patient) -> Iterator[Finding]:
    wanted = patient.policy.signed_by
    if not wanted:
        return
    try:
        known = {key.fingerprint: key.role for key in Keyring(patient.folders.keys).known()}
    except MachineError as error:
        yield trouble(error, "warning")
        return
    there = [one for one in wanted if one in known]
    if not there:
        names = ", ".join(one[:12] for one in wanted)
        yield _warning(
            f"No key that the policy names is known here: every report is refused ({names}).",
            "signed_by",
            "Have its owner run `sealift keys export`, and give the file to `sealift keys trust`; "
            "or name a key of `sealift keys list`.",
        )
    elif all(known[one] == "trusted" for one in there):
        yield _warning(
            "The policy names no key of this project: what is checked here is not enough.",
            "signed_by",
            f"Have the owner of {there[0][:12]} check the image, or add this project's key.",
        )


def _engine(patient: Patient) -> Iterator[Finding]:
    wanted = patient.policy.engines
    if not wanted:
        return
    try:
        name = choose(patient.engine.name)
    except MachineError:
        return  # the look at the engines tells it
    if name not in wanted:
        yield _warning(
            f"Checks are made on {name} here, and the policy wants {' or '.join(wanted)}.",
            "engines",
            f"Set name = '{wanted[0]}' under [engine] in sealift.toml, or change the policy.",
        )


def _database(patient: Patient) -> Iterator[Finding]:
    if "vulnerabilities" in patient.policy.checks and not patient.check.vulnerabilities:
        yield _warning(
            "The policy demands the check 'vulnerabilities', and no database is named: it never "
            "applies.",
            "checks",
            "Name one as check.vulnerabilities in sealift.toml, or take it out of the policy.",
        )


def _warning(message: str, key: str, remedy: str) -> Finding:
    return Finding(severity="warning", message=message, place=f"{WHERE}.{key}", remedy=remedy)


CHECK = Check("policy", "A report that is made here can be one that a release takes.", look)

__all__ = ["CHECK"]
