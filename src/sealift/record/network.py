"""The table ``[network]`` of the project file."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, field

from sealift.record.section import Section, Text


class NetworkSettings(Section, frozen=True):
    """How packages and registries are reached; see docs/network.md."""

    proxy: Annotated[
        str,
        Meta(
            description="Address of the proxy, http://HOST:PORT; default HTTPS_PROXY, HTTP_PROXY "
            "and ALL_PROXY."
        ),
    ] = ""
    no_proxy: Annotated[
        list[Text],
        Meta(
            description="Hosts, addresses and networks to reach directly; default NO_PROXY. This "
            "machine always is; '*' stands for all."
        ),
    ] = field(default_factory=list)
    ca: Annotated[
        str,
        Meta(
            description="File (PEM) of certificate authorities to trust beside the usual ones, "
            "such as a company's; REQUESTS_CA_BUNDLE can name another."
        ),
    ] = ""
    insecure: Annotated[
        list[Text],
        Meta(description="Registries (HOST or HOST:PORT) that speak plain HTTP, without TLS."),
    ] = field(default_factory=list)
    offline: Annotated[
        bool,
        Meta(description="Ask nobody but this machine; SEALIFT_OFFLINE=1 does the same."),
    ] = False
    index: Annotated[
        str,
        Meta(description="Address of the package index; default that of uv, else that of pip."),
    ] = ""
    extra_indexes: Annotated[
        list[Text], Meta(description="Addresses of further indexes, asked before that one.")
    ] = field(default_factory=list)
    mirror: Annotated[
        str,
        Meta(description="Debian mirror; default SEALIFT_MIRROR, else the machine's own sources."),
    ] = ""
    security_mirror: Annotated[
        str,
        Meta(
            description="Mirror of Debian's security updates; default SEALIFT_SECURITY_MIRROR, "
            "else the machine's own sources."
        ),
    ] = ""
    keyring: Annotated[
        str,
        Meta(
            description="File of keys that the mirror's releases are signed with; default "
            "SEALIFT_KEYRING, else the machine's."
        ),
    ] = ""
    snapshot: Annotated[
        str,
        Meta(
            description="Archive that keeps the Debian packages which mirrors no longer have; "
            "default SEALIFT_SNAPSHOT. {archive} in it stands for debian or debian-security."
        ),
    ] = ""
    timeout: Annotated[
        int,
        Meta(
            ge=0,
            description="Seconds without a byte after which an attempt has failed; 0 for 30, for "
            "registries 60.",
        ),
    ] = 0

    @property
    def addresses(self) -> dict[str, str]:
        """Every address, by the path of its key."""
        single = ("proxy", "index", "mirror", "security_mirror", "snapshot")
        found = {f"network.{name}": getattr(self, name) for name in single}
        further = enumerate(self.extra_indexes)
        return found | {f"network.extra_indexes[{number}]": one for number, one in further}


def telling(address: str) -> bool:
    """Whether an address says who asks: a name, and mostly a password.

    >>> telling("https://me:secret@index.example/simple"), telling("https://index.example/@x")
    (True, False)
    """
    whole = address if "//" in address else f"//{address}"
    return re.search(r"//[^/?#]*@", whole) is not None


__all__ = ["NetworkSettings", "telling"]
