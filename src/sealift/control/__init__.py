"""The background processes of a project: begun, repaired, ended, looked at."""

from sealift.control.operate import Part, Running, down, status, up

__all__ = ["Part", "Running", "down", "status", "up"]
