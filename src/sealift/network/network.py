"""How a project reaches the network: one object, made of its settings and the environment."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sealift.network import indexes, proxies, trust
from sealift.network.proxies import Proxies, is_local
from sealift.network.roads import Roads
from sealift.record.network import NetworkSettings

_CONNECT = 15.0
OFF = ("", "0", "false", "no", "off")
"""What a variable says, in small letters, that is not to count."""


@dataclass(frozen=True)
class Network:
    """The settings of ``[network]`` and, where one is not set, the variable that stands for it.

    ``root`` is the project's folder; files in the settings are relative to it. Nothing is read or
    reached before it is asked for.
    """

    settings: NetworkSettings = field(default_factory=NetworkSettings)
    root: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def offline(self) -> bool:
        """Whether only this machine may be asked: by a setting, SEALIFT_OFFLINE or UV_OFFLINE."""
        said = (self.environment.get(name, "") for name in ("SEALIFT_OFFLINE", "UV_OFFLINE"))
        return self.settings.offline or any(one.strip().lower() not in OFF for one in said)

    @property
    def mirror(self) -> str:
        """The mirror of Debian that somebody chose, or nothing."""
        return self._chosen(self.settings.mirror, "SEALIFT_MIRROR").rstrip("/")

    @property
    def security_mirror(self) -> str:
        """The mirror of Debian's security updates that somebody chose, or nothing."""
        return self._chosen(self.settings.security_mirror, "SEALIFT_SECURITY_MIRROR").rstrip("/")

    @property
    def snapshot(self) -> str:
        """The archive that keeps superseded packages, or nothing."""
        return self._chosen(self.settings.snapshot, "SEALIFT_SNAPSHOT").rstrip("/")

    @property
    def keyring(self) -> Path | None:
        """The file of keys that somebody chose to check the signatures of Debian's archive with."""
        return self._file(self._chosen(self.settings.keyring, "SEALIFT_KEYRING"))

    @cached_property
    def proxies(self) -> Proxies:
        """The proxies; raises ``MachineError`` for an address that cannot be one."""
        return proxies.found(self.settings.proxy, self.settings.no_proxy, self.environment)

    @cached_property
    def authorities(self) -> str:
        """The certificates to trust, in PEM form; raises ``MachineError`` for a bad file."""
        return trust.authorities(self._file(self.settings.ca), self.environment)

    def reaches(self, address: str) -> bool:
        """Whether an address may be asked: while ``offline``, only one of this machine."""
        url = urlsplit(address)
        return not self.offline or url.scheme == "file" or is_local(url.hostname or "")

    def speaks_plain(self, host: str) -> bool:
        """Whether a registry was named as one that speaks plain HTTP; ``host`` as it is written."""
        return host in self.settings.insecure

    def client(self, *, patience: float = 30.0, connections: int = 8) -> httpx.Client:
        """A client that goes the ways of these settings and trusts whom they trust.

        ``patience`` is for how many seconds it bears silence, unless ``timeout`` is set.
        Raises ``MachineError`` for a bad proxy at once, and for bad certificates with the first
        request that needs any; ``OfflineError`` with every request while ``offline``.
        """
        seconds = float(self.settings.timeout) or patience
        roads = Roads(
            self.proxies,
            self._context,
            offline=self.offline,
            limits=httpx.Limits(max_connections=connections),
        )
        return httpx.Client(
            transport=roads,
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT), pool=None),
            headers={"Accept-Encoding": "identity", "User-Agent": "sealift"},
        )

    @contextlib.contextmanager
    def child(self) -> Iterator[dict[str, str]]:
        """The environment for a child process, such as uv, that is to go the same ways.

        The certificates lie in a file that is there as long as the context is open.
        """
        made = self._further(proxies.without(self.environment) | self.proxies.variables())
        made.pop("SSL_CERT_DIR", None)
        with tempfile.NamedTemporaryFile(prefix="sealift-", suffix=".pem") as bundle:
            bundle.write(self.authorities.encode())
            bundle.flush()
            yield made | {"SSL_CERT_FILE": bundle.name}

    def _further(self, environment: dict[str, str]) -> dict[str, str]:
        settings = self.settings
        made = indexes.variables(settings.index, settings.extra_indexes, environment)
        if self.offline:
            made["UV_OFFLINE"] = "1"
        if settings.timeout:
            made["UV_HTTP_TIMEOUT"] = str(settings.timeout)
        return made

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Connections to servers that ``authorities`` vouch for."""
        return trust.context(self.authorities)

    def _context(self) -> ssl.SSLContext:
        return self.trusted

    def _chosen(self, setting: str, name: str) -> str:
        return setting or self.environment.get(name, "")

    def _file(self, name: str) -> Path | None:
        return self.root / Path(name).expanduser() if name else None


__all__ = ["OFF", "Network"]
