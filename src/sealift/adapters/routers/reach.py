"""Whether requests follow a route, seen by sending some through the gateway."""

from __future__ import annotations

from http import HTTPStatus

import httpx

from sealift import clock
from sealift.errors import ReleaseError
from sealift.kubernetes.route import GENERATION
from sealift.ports import Progress

PATIENCE = 30.0
"""Seconds that requests may take to follow."""
IN_A_ROW = 5
"""Requests in a row, each by a connection of its own, that show it."""
_PATH = "/v2/health/live"  # no prediction is asked for, so that it counts nowhere


class Reach:
    """The gateway at ``address``, asked for ``host`` (empty: none is named).

    With ``sure`` it is known that it can be reached there; else what does not answer, or answers
    as something else, is not held against the route.
    """

    def __init__(self, address: str, host: str, progress: Progress, *, sure: bool) -> None:
        self.address = address
        self._headers = {"Connection": "close", **({"Host": host} if host else {})}
        self._progress = progress
        self._sure = sure
        self._told = ""

    def follows(self, generation: int) -> None:
        """Wait until answers carry the number of a division of the traffic.

        Raises ``ReleaseError`` where they do not, although the gateway is reached.
        """
        ends = clock.monotonic() + PATIENCE
        row, met, said = 0, False, ""
        with httpx.Client(base_url=self.address, timeout=3.0, headers=self._headers) as client:
            while row < IN_A_ROW:
                answer = _ask(client)
                seen = (
                    answer.headers.get(GENERATION) if isinstance(answer, httpx.Response) else None
                )
                met |= seen is not None
                row = row + 1 if seen == str(generation) else 0
                said = answer if isinstance(answer, str) else f"status {answer.status_code}"
                if not row and not met and not self._sure:
                    self._say(f"The gateway is not reached at {self.address} ({said}).")
                    return
                if not row and clock.monotonic() > ends:
                    raise self._behind(generation, seen, said)
                if not row:
                    clock.sleep(0.1)
        self._say(f"Requests through {self.address} follow the route.")

    def _behind(self, generation: int, seen: str | None, said: str) -> ReleaseError:
        there = f"they are under {seen}" if seen else said
        return ReleaseError(
            f"The gateway took division {generation} of the traffic, but after "
            f"{PATIENCE:.0f} s requests do not follow it: {there}.",
            where=self.address,
            remedy="See that the address is the Gateway's, that no other route has its host and "
            "path, and that the gateway's controller runs; the same command goes on.",
        )

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._progress.say(text)


def _ask(client: httpx.Client) -> httpx.Response | str:
    try:
        answer = client.get(_PATH)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    gone = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
    return f"status {answer.status_code}" if answer.status_code in gone else answer


__all__ = ["IN_A_ROW", "PATIENCE", "Reach"]
