"""The files by which a sandbox finds the address of a host name."""

from __future__ import annotations

from pathlib import Path

from sealift.record.container import Mount

LOOPBACK = "127.0.0.1 localhost\n::1 localhost\n"


def names(network: str, live: Path) -> list[Mount]:
    """The host's own files where its network is shared; else one, kept in ``live``, of loopback."""
    if network == "host":
        found = [name for name in ("/etc/hosts", "/etc/resolv.conf") if Path(name).exists()]
        return [Mount(source=name, target=name) for name in found]
    hosts = live / "hosts"
    if not hosts.exists():
        live.mkdir(parents=True, exist_ok=True)
        hosts.write_text(LOOPBACK)
    return [Mount(source=str(hosts), target="/etc/hosts")]


__all__ = ["names"]
