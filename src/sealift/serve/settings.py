"""What an operator chooses for the server, in ``SEALIFT_...`` variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from sealift.errors import UsageError
from sealift.serve.access import Mode
from sealift.serve.limits import Limits

T = TypeVar("T", bound=str)


class Settings(msgspec.Struct, frozen=True):
    """Where to listen, where to log predictions, how to end; times in seconds.

    ``workers`` processes answer, 0 stands for as many as there are cores; one whose event loop
    stands still for ``hang`` seconds is replaced. ``batch`` lets requests be joined.
    Of more than ``record_rate`` predictions a second an even share is logged (0: all are); of
    rows with more than 16 fields as many fewer.
    Who knows the word ``reader`` is handed the log out; nobody is where it is empty.
    ``grpc`` is the port for gRPC, 0 for none.
    After the signal to end, the server answers for ``drain`` more seconds while it says that it
    is not ready, and a little longer while requests still come; then it takes no more, and has
    ``grace`` seconds for those that are being answered.
    """

    model: Path
    host: str = "127.0.0.1"
    port: int = 8080
    records: Path | None = None
    image: str = ""
    drain: float = 1.0
    grace: float = 8.0
    limits: Limits = Limits()
    log: Mode = "errors"
    control: bool = False
    batch: bool = True
    record_rate: float = 2_000.0
    name: str = "sealift"
    grpc: int = 0
    workers: int = 0
    hang: float = 15.0
    reader: str = ""


def settings(environment: Mapping[str, str], model: Path) -> Settings:
    """The settings in ``SEALIFT_...`` variables. Raises ``UsageError`` for bad numbers."""
    records = environment.get("SEALIFT_RECORDS", "")
    return Settings(
        model=model,
        host=environment.get("SEALIFT_HOST", "") or "127.0.0.1",
        port=int(_number(environment, "SEALIFT_PORT", 8080, most=65_535)),
        records=Path(records) if records else None,
        image=environment.get("SEALIFT_IMAGE", ""),
        drain=_number(environment, "SEALIFT_DRAIN", 1.0, most=3600),
        grace=_number(environment, "SEALIFT_GRACE", 8.0, most=3600),
        limits=_limits(environment),
        log=_choice(environment, "SEALIFT_LOG", ("errors", "all", "none")),
        control=_choice(environment, "SEALIFT_MODEL_CONTROL", ("none", "explicit")) == "explicit",
        batch=_choice(environment, "SEALIFT_BATCH", ("auto", "off")) == "auto",
        record_rate=_number(environment, "SEALIFT_RECORD_RATE", 2_000, most=1e9),
        name=environment.get("SEALIFT_SERVER_NAME", "") or "sealift",
        grpc=int(_number(environment, "SEALIFT_GRPC_PORT", 0, most=65_535)),
        workers=int(_number(environment, "SEALIFT_WORKERS", 0, most=1024)),
        hang=_number(environment, "SEALIFT_HANG", 15.0, most=3600),
        reader=environment.get("SEALIFT_READER", ""),
    )


def _limits(environment: Mapping[str, str]) -> Limits:
    default = Limits()
    body = int(_number(environment, "SEALIFT_MAX_BODY", default.body, most=1 << 31))
    return Limits(
        body=body,
        room=max(body, int(_number(environment, "SEALIFT_MAX_BODIES", default.room, most=1 << 40))),
        patience=_number(environment, "SEALIFT_MAX_WAIT", default.patience, most=3600),
        timeout=_number(environment, "SEALIFT_TIMEOUT", default.timeout, most=3600),
        latency=_number(environment, "SEALIFT_LATENCY", default.latency, most=3600),
    )


def _number(environment: Mapping[str, str], name: str, default: float, *, most: float) -> float:
    text = environment.get(name, "") or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise UsageError(f"{name} must be a number from 0 to {most:g}, not {text!r}.")
    return value


def _choice(environment: Mapping[str, str], name: str, known: tuple[T, ...]) -> T:
    text = environment.get(name, "") or known[0]
    for choice in known:
        if choice == text:
            return choice
    raise UsageError(f"{name} must be one of {', '.join(map(str, known))}, not {text!r}.")


__all__ = ["Settings", "settings"]
