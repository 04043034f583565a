"""Every error that Sealift raises on purpose, on one page.

    SealiftError                 exit 1   base; catch this to handle anything foreseen
    ├── UsageError               exit 2   the command line asks for something that cannot be
    ├── ProjectError             exit 3   sealift.toml, or a file it names, is wrong
    ├── MachineError             exit 4   this machine lacks something (engine, space, source)
    │   ├── OfflineError         exit 4   the network is switched off, and something is wanted
    │   ├── RegistryError        exit 4   an image registry cannot be reached, or refuses
    │   ├── ClusterError         exit 4   a cluster cannot be reached, or refuses
    │   │   ├── AwayError        exit 4   it does not answer now; it may later
    │   │   ├── ConflictError    exit 4   somebody else set there what is to be set
    │   │   ├── ForbiddenError   exit 4   no role allows it
    │   │   └── KindError        exit 4   it does not know this kind of objects
    │   └── SourceError          exit 4   a package source cannot be reached or is not trusted
    ├── DataError                exit 5   a dataset is missing, moved or unreadable
    ├── StepError                exit 6   a user's step failed
    ├── PackageError             exit 7   an image cannot be built from what is there
    ├── CheckError               exit 8   a check failed
    ├── ReleaseError             exit 9   a release is refused, or ended without promotion
    ├── NotFoundError            exit 10  no such run, model, image, release
    ├── IntegrityError           exit 11  bytes do not match their digest or signature
    └── ContractError            exit 12  a request does not fit the model's input contract

Each says what happened, where, and what to do next; the command line prints the three parts and
leaves with the exit code. Nothing else in Sealift calls ``sys.exit``.
"""

from __future__ import annotations

from typing import ClassVar

from sealift.secrets import hidden


class SealiftError(Exception):
    """Something foreseen went wrong.

    ``what`` is one sentence on what happened, ``where`` the file, key, digest or address it
    happened at, ``remedy`` the next thing to do. No address in them tells a name or a password.

    >>> str(ProjectError("Unknown key 'nmae'.", where="sealift.toml", remedy="Use 'name'."))
    "Unknown key 'nmae'. (sealift.toml) Use 'name'."
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = hidden(what)
        super().__init__(self.what)
        self.where = hidden(where)
        self.remedy = remedy

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f" {self.remedy}" if self.remedy else ""
        return f"{self.what}{place}{advice}"


class UsageError(SealiftError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ProjectError(SealiftError):
    """``sealift.toml``, or a file it names, is wrong."""

    exit_code = 3


class MachineError(SealiftError):
    """This machine lacks something that the work needs."""

    exit_code = 4


class OfflineError(MachineError):
    """The network is switched off by a setting, and something is wanted from it.

    ``lacks`` names the files that are wanted and not here, where they are known.
    """

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", lacks: tuple[str, ...] = ()
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.lacks = lacks


class RegistryError(MachineError):
    """An image registry cannot be reached, or refuses what was asked of it."""


class ClusterError(MachineError):
    """A Kubernetes cluster cannot be reached, or refuses what was asked of it."""


class ConflictError(ClusterError):
    """What is to be set in a cluster was set otherwise by somebody else."""


class AwayError(ClusterError):
    """A cluster does not answer now, or not with sense; it may later."""


class ForbiddenError(ClusterError):
    """A cluster knows who asks, and does not let them."""


class KindError(ClusterError):
    """A cluster does not know a kind of objects, whose definition is not installed."""


class SourceError(MachineError):
    """A package source cannot be reached, or what it sent is not signed by a trusted key."""


class DataError(SealiftError):
    """A dataset is missing, has moved since it was pinned, or cannot be read."""

    exit_code = 5


class StepError(SealiftError):
    """A user's step failed; ``where`` names its log."""

    exit_code = 6


class PackageError(SealiftError):
    """An image cannot be built from what is there."""

    exit_code = 7


class CheckError(SealiftError):
    """A check failed, or could not be carried out."""

    exit_code = 8


class ReleaseError(SealiftError):
    """A release is refused, or ended without promotion."""

    exit_code = 9


class NotFoundError(SealiftError):
    """No such run, model, image, report or release."""

    exit_code = 10


class IntegrityError(SealiftError):
    """Bytes do not match their digest, or a signature does not match its content."""

    exit_code = 11


class ContractError(SealiftError):
    """A request does not fit the model's input contract.

    ``where`` is the path of the offending field, such as ``rows[3].carrier``.
    """

    exit_code = 12


__all__ = [
    "CheckError",
    "ContractError",
    "DataError",
    "IntegrityError",
    "MachineError",
    "NotFoundError",
    "OfflineError",
    "PackageError",
    "ProjectError",
    "RegistryError",
    "ReleaseError",
    "SealiftError",
    "SourceError",
    "StepError",
    "UsageError",
]
