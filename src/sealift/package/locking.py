"""The lock: choosing the exact packages of a project once, and keeping to the choice."""

from __future__ import annotations

import difflib
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from sealift import clock, digest
from sealift.errors import MachineError, PackageError, ProjectError
from sealift.folders import Folders, downloads
from sealift.network.network import Network
from sealift.package import requirements, resolve, sources, wheels
from sealift.package.fetch import Fetcher
from sealift.package.release import Catalogue, catalogue
from sealift.package.uv import Target
from sealift.ports import Progress
from sealift.record import lock as locks
from sealift.record.image_settings import ImageSettings, Platform
from sealift.record.lock import Built, Deb, Foundation, Lock, Locks, Standalone
from sealift.types import Digest, Json

_PLATFORMS: dict[str, Platform] = {
    "x86_64": "linux/amd64",
    "aarch64": "linux/arm64",
    "arm64": "linux/arm64",
}


class House(Protocol):
    """Where wheels come from that are in no index."""

    def made(self, bare: Lock) -> tuple[Built, ...]:
        """Build what the project names, with a lock that has no wheels yet."""
        ...

    def place(self, lock: Lock, folder: Path) -> Mapping[Digest, Path]:
        """Put the built wheels of a lock into a folder, under their names."""
        ...


def here() -> Platform:
    """This machine's platform in OCI's words. Raises ``MachineError`` for one that is not built."""
    machine = platform.machine()
    if machine not in _PLATFORMS:
        raise MachineError(f"Images for processors of type {machine!r} cannot be built.")
    return _PLATFORMS[machine]


def read(folders: Folders) -> Locks:
    """The project's locks; without any where it has no such file.

    Raises ``ProjectError`` when the file is there and cannot be understood.
    """
    try:
        found = locks.decode(folders.lock.read_bytes())
    except FileNotFoundError:
        return Locks(platforms=())
    except msgspec.MsgspecError as error:
        raise ProjectError(
            f"The lock cannot be read: {error}.",
            where=str(folders.lock),
            remedy="Restore it from version control, or delete it to have it made anew.",
        ) from error
    if found.format > locks.FORMAT:
        raise ProjectError(
            f"The lock is of format {found.format}, which a newer Sealift wrote.",
            where=str(folders.lock),
            remedy="Install that version, or delete the lock to have it made anew.",
        )
    return found


def write(folders: Folders, found: Locks) -> None:
    """Write the project's locks, whole or not at all."""
    part = folders.lock.with_name(f".{folders.lock.name}.{clock.token(8)}")
    try:
        with part.open("xb") as file:
            file.write(locks.encode(found))
            file.flush()
            os.fsync(file.fileno())
        part.replace(folders.lock)
    except OSError as error:
        raise MachineError(
            f"The lock cannot be written: {error.strerror}.",
            where=str(folders.lock),
            remedy="Free some space, or give yourself write permission on the folder.",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def inputs(settings: ImageSettings, root: Path, target: str) -> Digest:
    """The digest of everything that the choice of packages is made from."""
    decisive: dict[str, Json] = {
        # only where there are any, so that locks from before this setting still count
        **({"debian": list[Json](settings.debian)} if settings.debian else {}),
        **({"build": list[Json](settings.build)} if settings.build else {}),
        **({"tools": list[Json](settings.build_debian)} if settings.build else {}),
        **({"base image": settings.base} if settings.base else {}),
        **({"interpreter": _interpreter(settings, target)} if settings.interpreter else {}),
        "platform": target,
        "python": settings.python,
        "suite": settings.suite,
        "base": list(resolve.BASE),
        "shell": list(resolve.SHELL),
        "left out": list[Json](sorted(resolve.LEFT_OUT)),
        "runtime": list(wheels.RUNTIME),
        "requirements": dict[str, Json](requirements.texts(settings.requirements, root)),
    }
    return digest.of_json(decisive)


def keep(lock: Lock, settings: ImageSettings, root: Path) -> None:
    """Raises ``ProjectError`` when a lock would lose all its packages to a missing file."""
    if lock.packages and not (root / settings.requirements).exists():
        raise ProjectError(
            f"There is no {settings.requirements}, but the lock holds packages that it asked for.",
            where=str(root / settings.requirements),
            remedy="Put it back; or delete sealift.lock, if the steps need no packages any more.",
        )


def choose(
    settings: ImageSettings,
    root: Path,
    target: str,
    network: Network,
    progress: Progress,
    house: House,
    like: Lock | None = None,
    stands: Foundation | Standalone | None = None,
) -> Lock:
    """Choose packages for a platform anew, the newest that fit, from the machine's own sources.

    ``house`` builds what is to be built. ``like`` is the lock of another platform: its versions of
    wheels are taken where they can be. ``stands`` is an image of others that has the packages of
    the distribution, or an interpreter from an archive, if there is one.
    """
    if isinstance(stands, Foundation):
        bare = _standing(stands, settings, root, target)
    else:
        progress.step("lock", f"choosing packages of the distribution for {target}")
        bare = system(settings, root, target, network, progress, stands)
    built = house.made(bare) if settings.build else ()
    bare = msgspec.structs.replace(bare, built=built)
    progress.step("lock", "choosing wheels")
    file = root / settings.requirements
    if not file.exists():
        _without(settings, file, progress)
    with tempfile.TemporaryDirectory() as folder:
        runtime, packages = _wheels(
            file if file.exists() else None,
            target_of(bare),
            network,
            like,
            progress,
            sorted(house.place(bare, Path(folder)).values()),
        )
    debs = len(bare.base) + len(bare.shell) + len(bare.debian)
    count = f"{debs} packages, {len(runtime) + len(packages)} wheels"
    progress.step("lock", count)
    return msgspec.structs.replace(bare, runtime=runtime, packages=packages)


def system(
    settings: ImageSettings,
    root: Path,
    target: str,
    network: Network,
    progress: Progress,
    standalone: Standalone | None = None,
) -> Lock:
    """A lock without wheels: the packages of the distribution."""
    arch = target.partition("/")[2]
    base, shell, debian, tools = _debs(settings, arch, network, progress, standalone)
    return Lock(
        inputs=inputs(settings, root, target),
        platform=target,
        suite=settings.suite,
        python=settings.python,
        base=base,
        shell=shell,
        debian=debian,
        runtime=(),
        packages=(),
        tools=tools,
        standalone=standalone,
    )


def _standing(founded: Foundation, settings: ImageSettings, root: Path, target: str) -> Lock:
    """A lock without wheels that stands on an image of others."""
    return Lock(
        inputs=inputs(settings, root, target),
        platform=target,
        suite="",
        python=settings.python,
        base=(),
        shell=(),
        runtime=(),
        packages=(),
        foundation=founded,
    )


def _wheels(
    requirements: Path | None,
    target: Target,
    network: Network,
    like: Lock | None,
    progress: Progress,
    built: Sequence[Path],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The wheels for a platform: in the versions of another one, else in the newest that fit."""
    if like is None:
        return _newest(requirements, target, network, built)
    lines = (*like.runtime, *like.packages)
    try:
        return wheels.lock(requirements, target, network, like=lines, built=built)
    except PackageError as error:
        progress.say(
            f"Not all versions of {like.platform} can be had for {target.platform}, which gets "
            f"others: {error.what.partition(chr(10))[0]}"
        )
        return _newest(requirements, target, network, built)


def _newest(
    requirements: Path | None, target: Target, network: Network, built: Sequence[Path]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        return wheels.lock(requirements, target, network, built=built)
    except PackageError as error:
        if not built:
            raise
        names = ", ".join("==".join(wheels.named(wheel)) for wheel in built)
        raise PackageError(
            error.what,
            where=error.where,
            remedy=f"{error.remedy} Built were {names}, the newest that the requirements allow: "
            "where others need another version, name it in the requirements.",
        ) from error


def _without(settings: ImageSettings, path: Path, progress: Progress) -> None:
    """Raises ``ProjectError`` when the file that is not there was named."""
    if settings.requirements != ImageSettings().requirements:
        raise ProjectError(
            f"There is no {settings.requirements}.",
            where=str(path),
            remedy="Write the packages that the steps import into it, or correct the name in the "
            "[image] table.",
        )
    progress.say(
        f"There is no {settings.requirements}: the steps can import the standard library, and "
        "what the server needs (numpy, onnxruntime)."
    )


def _interpreter(settings: ImageSettings, target: str) -> Json:
    """What decides on an interpreter from an archive: its bytes, wherever they lie."""
    found = {str(name): one.sha256 for name, one in settings.interpreter.items()}
    return found.get(target, "")


def _debs(
    settings: ImageSettings,
    arch: str,
    network: Network,
    progress: Progress,
    standalone: Standalone | None,
) -> tuple[tuple[Deb, ...], tuple[Deb, ...], tuple[Deb, ...], tuple[Deb, ...]]:
    """The packages of the base, of the shell, those of the project, and those of builds."""
    mirror = sources.mirror(network)
    if not mirror.security:
        progress.say(
            "No source of security updates is known; network.security_mirror can name one."
        )
    with Fetcher(downloads() / "debs", network) as fetcher:
        offers = catalogue(mirror, settings.suite, arch, fetcher)
    if standalone is None and offers.newest(f"python{settings.python}") is None:
        there = [name.removeprefix("python") for name in offers.names(r"python3\.\d+")]
        raise ProjectError(
            f"Debian {settings.suite} has no Python {settings.python}.",
            where="sealift.toml: image.python",
            remedy=f"It has {', '.join(there) or 'none'}; choose that, another image.suite, or an "
            "archive with that version (image.interpreter).",
        )
    _known(settings, offers)
    if standalone is None:
        python = resolve.python(settings.python)
    else:
        python = resolve.libraries(standalone.libraries, offers)
    base = resolve.closure((*resolve.BASE, *python), offers)
    debian = resolve.closure(settings.debian, offers, base)
    shell = resolve.closure(resolve.SHELL, offers, (*base, *debian))
    wanted = settings.build_debian if settings.build else ()
    return base, shell, debian, resolve.closure(wanted, offers, (*base, *debian, *shell))


def _known(settings: ImageSettings, offers: Catalogue) -> None:
    """Raises ``ProjectError`` for a package that the project asks for and the archive lacks."""
    named = [(name, "debian") for name in settings.debian]
    named += [(name, "build_debian") for name in settings.build_debian if settings.build]
    for name, key in named:
        if offers.newest(name) is None and not offers.providers(name):
            names = offers.names(
                r".*" if key == "build_debian" else r"(?!.*-(dev|doc|dbg|tests)$).*"
            )
            near = difflib.get_close_matches(name, names, 3)
            raise ProjectError(
                f"Debian {settings.suite} has no package {name!r}.",
                where=f"sealift.toml: image.{key}",
                remedy=f"Correct it; near to it are {', '.join(near)}."
                if near
                else "Correct it, or take it off the list.",
            )


def target_of(lock: Lock) -> Target:
    """What the wheels of a lock have to fit."""
    if lock.foundation is not None:
        return Target(lock.python, lock.platform, lock.foundation.glibc)
    return wheel_target(lock.python, lock.platform, lock.base)


def wheel_target(python: str, target: str, base: tuple[Deb, ...]) -> Target:
    """What wheels have to fit to run on these packages."""
    libc = next(deb.version for deb in base if deb.name == "libc6")
    return Target(python, target, int(libc.split(".")[1].split("-")[0]))


__all__ = [
    "House",
    "choose",
    "keep",
    "here",
    "inputs",
    "read",
    "system",
    "target_of",
    "wheel_target",
    "write",
]
