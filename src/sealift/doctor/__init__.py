"""What this machine can do: one check a file, each with what it shows and one remedy a finding."""

from sealift.doctor.examine import examine

__all__ = ["examine"]
