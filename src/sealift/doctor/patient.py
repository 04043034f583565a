"""What the doctor looks at: a project's folder on this machine, and the settings that matter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sealift.errors import ProjectError
from sealift.folders import Folders, reader
from sealift.network.network import Network
from sealift.record.check_settings import CheckSettings
from sealift.record.image_settings import ImageSettings
from sealift.record.parse import parse
from sealift.record.policy import PolicySettings
from sealift.record.project import EngineSettings
from sealift.record.report import Severity


@dataclass(frozen=True)
class Patient:
    """``fault`` says what is wrong with the project file; the settings are then the defaults."""

    folders: Folders
    engine: EngineSettings
    image: ImageSettings
    network: Network
    project: str = ""
    policy: PolicySettings = field(default_factory=PolicySettings)
    check: CheckSettings = field(default_factory=CheckSettings)
    fault: ProjectError | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is that packages cannot be had.

        What a locked project needs has been downloaded once, and may be there still.
        """
        return "warning" if self.folders.lock.exists() else "error"


def patient(folders: Folders) -> Patient:
    """The project in these folders; a folder without a project file is looked at as well."""
    unknown = Patient(folders, EngineSettings(), ImageSettings(), Network(root=folders.root))
    try:
        project = parse(
            folders.file.read_text(encoding="utf-8"),
            where=folders.file.name,
            read=reader(folders.root),
        )
    except FileNotFoundError:
        return unknown
    except (OSError, UnicodeDecodeError) as error:
        fault = ProjectError(
            f"The project file cannot be read: {error}.",
            where=str(folders.file),
            remedy="Make it a UTF-8 text file that you may read.",
        )
        return replace(unknown, fault=fault)
    except ProjectError as error:
        return replace(unknown, fault=error)
    network = Network(project.network, folders.root)
    return Patient(
        folders,
        project.engine,
        project.image,
        network,
        project=project.name,
        policy=project.release.policy,
        check=project.check,
    )


__all__ = ["Patient", "patient"]
