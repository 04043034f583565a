"""The text of a Dockerfile that builds what an image has, for those who must use one.

What the result is told (environment, user, entry point, labels) is taken from the configuration of
the image itself. No index and no registry is named: pip and the engine have their own settings.
"""

from __future__ import annotations

import json

import msgspec

from sealift.package import server
from sealift.record.lock import Lock

REQUIREMENTS = "requirements.txt"
SERVER = "server"
WHEELS = "wheels"
"""The folder of the wheels that are in no index; only where there are any."""


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """What an image's configuration tells an engine (image-spec 1.1, config.md)."""

    user: str
    entrypoint: list[str]
    env: list[str]
    exposed_ports: dict[str, dict[str, str]]
    labels: dict[str, str]
    stop_signal: str
    working_dir: str


def dockerfile(lock: Lock, told: Settings, *, built: bool, model: str) -> str:
    """The Dockerfile of an image of these packages, with a folder that is called ``model``.

    ``built`` says whether there are wheels that are in no index.
    """
    return f"""\
# For {lock.platform}. README.md says how to build this and what it does not promise.
ARG BASE=debian:{lock.suite}-slim

{_wheels(lock, built=built)}
{_packages(lock)}
COPY {SERVER} /{server.PLACE}
COPY {model} /{model}

{_told(told)}"""


def _wheels(lock: Lock, *, built: bool) -> str:
    """The stage that unpacks the wheels."""
    python = f"python{lock.python}"
    local = f"COPY {WHEELS} /built\n" if built else ""
    find = " --find-links /built" if built else ""
    return f"""\
# The wheels, in a stage of their own, so that pip is not in the result.
FROM ${{BASE}} AS wheels
RUN apt-get update \\
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \\
        ca-certificates {python} python3-pip
# Your package index, where it is not pip's own default: --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_CERT
COPY {REQUIREMENTS} /{REQUIREMENTS}
{local}\
RUN {python} -m pip install --require-hashes --no-deps --only-binary=:all: --no-compile \\
        --no-cache-dir --ignore-installed{find} --root /wheels --requirement /{REQUIREMENTS}
"""


def _packages(lock: Lock) -> str:
    """The stage of the result, as far as the packages."""
    python = f"python{lock.python}"
    debs = "".join(f" \\\n        {one.name}={one.version}" for one in (*lock.base, *lock.debian))
    return f"""\
FROM ${{BASE}}
# The versions of the lock. A mirror keeps the newest only: when apt says that a version was not
# found, take "=VERSION" off that package, or lock and package again with Sealift.
RUN apt-get update \\
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \\
        --allow-downgrades{debs} \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \\
    && ln -sf {python} /usr/bin/python3 && ln -sf {python} /usr/bin/python
COPY --from=wheels /wheels/usr/local /usr/local"""


def _told(told: Settings) -> str:
    pairs = [one.partition("=")[::2] for one in told.env]
    lines = [
        *(f"ENV {name}={quoted(value)}" for name, value in pairs),
        *(f"LABEL {quoted(name)}={quoted(value)}" for name, value in told.labels.items()),
        *(f"EXPOSE {port}" for port in told.exposed_ports),
        f"STOPSIGNAL {told.stop_signal}",
        f"WORKDIR {told.working_dir}",
        f"USER {told.user}",
        f"ENTRYPOINT {json.dumps(told.entrypoint)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def quoted(value: str) -> str:
    r"""A value as Dockerfiles write it, taken as it is.

    >>> print(quoted('a "b" $c'))
    "a \"b\" \$c"
    """
    kept = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{kept}"'


__all__ = ["REQUIREMENTS", "SERVER", "WHEELS", "Settings", "dockerfile", "quoted"]
