"""The base image of the rivals, under the name that they ask Docker Hub for.

Made from the distribution's packages like the slim image of Python that it stands in for: Debian
trixie (mmdebstrap's minbase) and its Python 3.13, with pip and uv below /usr/local. It also carries
this machine's own settings of package indexes, mirrors and certificates, which is how builds
inside containers get them; it never leaves this machine.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks import program
from benchmarks.package.places import PYTHON, WORK
from sealift.network.network import Network
from sealift.package import sources

NAMES = (f"docker.io/library/python:{PYTHON}-slim", "docker.io/library/python:3.13.0-slim")
ARCHIVE = WORK / "base" / "image.tar"
_PACKAGES = "python3,python3-pip,ca-certificates"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_DOCKERFILE = """FROM scratch
ADD root.tar /
ADD settings /
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -sf python3 /usr/bin/python \\
 && pip install --no-cache-dir --ignore-installed pip uv \\
 && apt-get purge --quiet --yes --auto-remove python3-pip && rm -rf /var/cache/apt /var/log/*
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin LANG=C.UTF-8 {settings}
CMD ["python3"]
"""


def archive() -> Path:
    """The base image as a docker archive with both names; made once, then kept."""
    if ARCHIVE.is_file():
        return ARCHIVE
    folder = ARCHIVE.parent
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "settings" / "etc" / "apt").mkdir(parents=True)
    mirror = sources.mirror(Network()).main
    words: program.Words = [
        "--variant=minbase",
        f"--include={_PACKAGES}",
        "trixie",
        folder / "root.tar",
        mirror,
    ]
    program.run(["mmdebstrap", "--quiet", *words])
    _machine_settings(folder / "settings", mirror)
    (folder / "Dockerfile").write_text(_DOCKERFILE.format(settings=" ".join(_variables())))
    storage = folder / "storage"
    buildah: program.Words = ["buildah", "--root", storage, "--runroot", folder / "run"]
    env = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    tags = [word for name in NAMES for word in ("--tag", name)]
    program.run([*buildah, "build", "--quiet", "--squash", *tags, folder], env=env)
    part = folder / "part.tar"
    podman: program.Words = ["podman", "--root", storage, "--runroot", folder / "run"]
    program.run([*podman, "save", "--quiet", "--output", part, "--multi-image-archive", *NAMES])
    program.run([*podman, "rmi", "--all", "--force"])
    part.replace(ARCHIVE)
    return ARCHIVE


def _machine_settings(folder: Path, mirror: str) -> None:
    """The files of this machine that say where packages come from."""
    (folder / "etc/apt/sources.list").write_text(f"deb {mirror} trixie main\n")
    if Path(_BUNDLE).is_file():
        (folder / "etc/ssl/certs").mkdir(parents=True)
        shutil.copyfile(_BUNDLE, folder / _BUNDLE[1:])


def _variables() -> list[str]:
    """The variables of this machine that say which index and which certificates to use."""
    kept = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")
    found = [f"{name}={os.environ[name]}" for name in kept if name in os.environ]
    trust = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return [*found, *(f"{name}={_BUNDLE}" for name in trust)]


__all__ = ["ARCHIVE", "NAMES", "archive"]
