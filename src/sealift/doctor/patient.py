"""What the doctor looks at: a project's folder on this machine, and the settings that matter."""

from __future__ import annotations

from dataclasses import dataclass

from sealift.errors import ProjectError
from sealift.folders import Folders
from sealift.record.parse import parse
from sealift.record.project import EngineSettings, ImageSettings


@dataclass(frozen=True)
class Patient:
    """``fault`` says what is wrong with the project file; the settings are then the defaults."""

    folders: Folders
    engine: EngineSettings
    image: ImageSettings
    project: str = ""
    fault: ProjectError | None = None


def patient(folders: Folders) -> Patient:
    """The project in these folders; a folder without a project file is looked at as well."""
    try:
        project = parse(folders.file.read_text(encoding="utf-8"), where=folders.file.name)
    except FileNotFoundError:
        return Patient(folders, EngineSettings(), ImageSettings())
    except (OSError, UnicodeDecodeError) as error:
        fault = ProjectError(
            f"The project file cannot be read: {error}.",
            where=str(folders.file),
            remedy="Make it a UTF-8 text file that you may read.",
        )
        return Patient(folders, EngineSettings(), ImageSettings(), fault=fault)
    except ProjectError as error:
        return Patient(folders, EngineSettings(), ImageSettings(), fault=error)
    return Patient(folders, project.engine, project.image, project=project.name)


__all__ = ["Patient", "patient"]
