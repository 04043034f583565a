"""What a server sent back."""

from __future__ import annotations

from dataclasses import dataclass

from sealift.errors import CheckError
from sealift.record.contract import Recorded
from sealift.record.reading import decode
from sealift.types import Json


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case, ``place`` is the request it is for."""

    place: str
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as JSON (strictly: no NaN). Raises ``CheckError`` for anything else."""
        try:
            value: Json = decode(self.body, object)  # type: ignore[assignment]
        except ValueError as error:
            raise CheckError(
                f"The answer is not JSON: {error}.", where=f"{self.place}: {self.text}"
            ) from error
        return value

    def object(self) -> dict[str, Json]:
        """The body as a JSON object. Raises ``CheckError`` for anything else."""
        value = self.json()
        if not isinstance(value, dict):
            raise CheckError("The answer is not a JSON object.", where=f"{self.place}: {self.text}")
        return value

    @property
    def text(self) -> str:
        """The beginning of the body, for people."""
        return self.body[:200].decode(errors="replace")


def spelled(value: Json | Recorded) -> str:
    """A class label as text, however the model spells it.

    >>> spelled(1), spelled(1.0), spelled(True), spelled("UA")
    ('1', '1', 'true', 'UA')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


__all__ = ["Answer", "spelled"]
