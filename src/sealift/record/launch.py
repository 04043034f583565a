"""How a server's container is started, and where it is asked whether it is ready."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

HOST = "127.0.0.1"
_PLACE = re.compile(r"\{(host|image|port[2-9]?)\}")


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, with places that are filled when it is started.

    In ``argv`` and in the values of ``env``, ``{host}`` and ``{port}`` stand for the address that
    it has to listen on, ``{port2}`` to ``{port9}`` for further free ports, ``{image}`` for the
    digest of its image; other braces mean nothing. ``scratch`` are folders that it may write,
    empty at first and gone when it ends. ``records`` is the folder that it writes its prediction
    logs to, empty for a server that writes none. ``live`` and ``ready`` are the paths that answer
    with 200 when it is so; ``budget`` is the time in seconds within which it has to be ready.
    """

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    workdir: str = "/"
    scratch: tuple[str, ...] = ()
    records: str = ""
    live: str = "/v2/health/live"
    ready: str = "/v2/health/ready"
    budget: float = 30.0


RECORDS = "/records"

OWN_ENVIRONMENT = {"SEALIFT_HOST": "{host}", "SEALIFT_PORT": "{port}", "SEALIFT_IMAGE": "{image}"}
"""What Sealift's own server has to be told."""

OWN = Launch(
    argv=("/usr/bin/python3", "-m", "sealift.container", "serve"),
    env={**OWN_ENVIRONMENT, "SEALIFT_RECORDS": RECORDS},
    records=RECORDS,
)
"""Sealift's own server, in an image that Sealift built."""


def places(launch: Launch) -> set[str]:
    """The names of the places that are to be filled.

    >>> sorted(places(OWN))
    ['host', 'image', 'port']
    """
    return {found[1] for text in _texts(launch) for found in _PLACE.finditer(text)}


def filled(
    launch: Launch, *, port: int, image: str, spare: Callable[[], int], host: str = HOST
) -> Launch:
    """The same with every place filled; ``spare`` gives a free port each time it is asked.

    >>> one = Launch(argv=("serve", "--http={host}:{port}", "--grpc={port2}", "{x}"))
    >>> filled(one, port=80, image="sha256:1", spare=lambda: 81).argv
    ('serve', '--http=127.0.0.1:80', '--grpc=81', '{x}')
    """
    known = {"host": host, "port": str(port), "image": image}
    further = sorted(places(launch) - known.keys())
    known |= {name: str(spare()) for name in further}

    def fill(text: str) -> str:
        return _PLACE.sub(lambda found: known[found[1]], text)

    return msgspec.structs.replace(
        launch,
        argv=tuple(map(fill, launch.argv)),
        env={name: fill(value) for name, value in launch.env.items()},
    )


def _texts(launch: Launch) -> Iterator[str]:
    yield from launch.argv
    yield from launch.env.values()


__all__ = ["HOST", "OWN", "OWN_ENVIRONMENT", "RECORDS", "Launch", "filled", "places"]
