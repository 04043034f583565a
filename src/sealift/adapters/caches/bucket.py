"""Objects in a bucket of S3, or of any server that speaks its protocol.

Access is what AWS's own tools take: variables AWS_*, else a profile of ``~/.aws``, else the role
of the machine. Contents appear as a whole (S3 is strongly consistent), and one that is not to be
replaced is put with If-None-Match, so that of two writers the first one wins.
"""

from __future__ import annotations

import configparser
import io
import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from sealift.adapters.caches.objects import Purpose
from sealift.errors import MachineError
from sealift.network.network import Network
from sealift.network.proxies import is_local
from sealift.record.bucket import BucketPlace

if TYPE_CHECKING:
    from typing_extensions import Buffer

SMALL = 64 << 20
"""Bytes up to which one request carries an object; larger ones are sent in parts."""
PIECE = 8 << 20
PATIENCE = timedelta(seconds=20)
"""For which a request is repeated that failed in a way that may pass."""
REGION = "us-east-1"


class Bucket:
    """The objects below ``s3://BUCKET/PREFIX``, with the access that the environment gives."""

    def __init__(
        self, place: BucketPlace, network: Network, purpose: Purpose | None = None
    ) -> None:
        url = urlsplit(place.address)
        self._place, self._purpose = place, purpose or Purpose()
        settings = access(network.environment) | _given(place)
        self._endpoint = settings.get("endpoint", "")
        local = is_local(urlsplit(self._endpoint).hostname or "")
        if not network.reaches(f"https://{url.netloc}") and not local:
            raise self._fault("this machine is offline")
        if not place.path_style:
            if _is_address(self._endpoint):
                raise self._fault("no bucket's name can stand before an IP address (path_style)")
            settings |= {"virtual_hosted_style_request": "true", **_before(url.netloc, settings)}
        with self._told():
            self._store = S3Store(
                url.netloc,
                prefix=url.path.strip("/") or None,
                config=cast("Any", settings),
                client_options=cast("Any", _client(self._endpoint, network)),
                retry_config={"max_retries": 3, "retry_timeout": PATIENCE},
            )

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        with self._told():
            try:
                obstore.head(self._store, name)
            except FileNotFoundError:
                return False
        return True

    def open(self, name: str) -> BinaryIO | None:
        """Read one; None where there is none."""
        with self._told():
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            return cast("BinaryIO", io.BufferedReader(_Stream(found, self._told), PIECE))

    def put(self, name: str, content: bytes | Path, *, replace: bool) -> bool:
        """Write one; false where one is there that is not to be replaced."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        if size > SMALL and not replace and self.has(name):
            return False
        with self._told():
            if replace or size > SMALL:
                obstore.put(self._store, name, content)
                return True
            try:
                obstore.put(self._store, name, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def names(self, folder: str) -> list[str]:
        """All below a folder."""
        with self._told():
            listed = obstore.list(self._store, prefix=folder)
            return sorted(one["path"] for many in listed for one in many)

    def remove(self, name: str) -> None:
        """Remove one."""
        with self._told():
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise self._fault(reason(error, self._place.address, self._endpoint)) from error
        except OSError as error:
            raise self._fault(str(error)) from error

    def _fault(self, why: str) -> MachineError:
        return MachineError(
            f"{self._purpose.what} cannot be reached: {why}.",
            where=self._place.address,
            remedy=self._purpose.remedy,
        )


class _Stream(io.RawIOBase):
    """The bytes of an object as they come."""

    def __init__(self, found: obstore.GetResult, told: Any) -> None:
        self._pieces = iter(found.stream(min_chunk_size=1 << 20))
        self._left, self._told = memoryview(b""), told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        with self._told():
            while not self._left:
                piece = next(self._pieces, None)
                if piece is None:
                    return 0
                self._left = memoryview(bytes(piece))
        room = memoryview(buffer)
        count = min(len(room), len(self._left))
        room[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def access(environment: Mapping[str, str]) -> dict[str, str]:
    """Endpoint, region and keys, as variables and the files of AWS's tools have them.

    What is missing here is asked of the machine by whoever uses it.
    """
    profile = environment.get("AWS_PROFILE", "default")
    kept = _profile(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials", profile)
    section = profile if profile == "default" else f"profile {profile}"
    kept |= _profile(environment, "AWS_CONFIG_FILE", "config", section)
    found = {
        "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "access_key_id": ("AWS_ACCESS_KEY_ID",),
        "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
        "session_token": ("AWS_SESSION_TOKEN",),
    }
    told = {
        name: next(filter(None, (environment.get(one, "") for one in variables)), "")
        for name, variables in found.items()
    }
    if not told["access_key_id"]:  # keys of a variable and of a file are never mixed
        keys = ("access_key_id", "secret_access_key", "session_token")
        told |= {name: kept.get(f"aws_{name}", "") for name in keys}
    told["endpoint"] = told["endpoint"] or kept.get("endpoint_url", "")
    told["region"] = told["region"] or kept.get("region", "") or REGION
    return {name: value for name, value in told.items() if value}


def _profile(
    environment: Mapping[str, str], variable: str, file: str, section: str
) -> dict[str, str]:
    named = environment.get(variable)
    path = Path(named) if named else Path(environment.get("HOME") or Path.home()) / ".aws" / file
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}


def _client(endpoint: str, network: Network) -> dict[str, object]:
    options: dict[str, object] = {
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": timedelta(seconds=60),
        # a limit on the whole would cut what is large off
        "timeout": timedelta(days=1),
        "allow_http": endpoint.startswith("http://"),
    }
    if network.settings.ca:
        options["root_certificate"] = network.authorities
    if network.settings.proxy:
        options["proxy_url"] = network.settings.proxy
        options["proxy_excludes"] = ",".join(network.settings.no_proxy)
    return options


def _given(place: BucketPlace) -> dict[str, str]:
    """What a place says itself goes before what the environment says."""
    told = {"endpoint": place.endpoint.rstrip("/"), "region": place.region}
    return {name: value for name, value in told.items() if value}


def _is_address(endpoint: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return False
    return True


def _before(bucket: str, settings: Mapping[str, str]) -> dict[str, str]:
    """An endpoint with the bucket's name before its host's, where one is named."""
    scheme, _, host = settings.get("endpoint", "").partition("://")
    return {"endpoint": f"{scheme}://{bucket}.{host}"} if host else {}


def reason(error: Exception, address: str, endpoint: str) -> str:
    """What went wrong, by the code that the server gave or the fault of the connection.

    The client itself goes on for lines.
    """
    said = str(error)
    code = re.search(r"<Code>(\w+)</Code>", said)
    bucket, server = urlsplit(address).netloc, endpoint or "the server of AWS"
    words = _CODES.get(code[1], "") if code else ""
    if not words:
        words = next((told for mark, told in _FAULTS.items() if mark in said), "")
    if words:
        return words.format(bucket=bucket, server=server)
    first = said.strip().partition("\n")[0]
    return first.removeprefix("Generic S3 error: ").rstrip(".")[:300]


_CODES = {
    "NoSuchBucket": "{server} has no bucket {bucket!r}",
    "InvalidAccessKeyId": "{server} does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "InvalidToken": "{server} does not accept the session token",
    "ExpiredToken": "the keys are no longer valid",
    "AccessDenied": "the keys do not allow it in the bucket {bucket!r}",
    "PermanentRedirect": "the bucket {bucket!r} is in another region",
    "AuthorizationHeaderMalformed": "the bucket {bucket!r} is in another region",
}
"""By the codes of S3. Source: Amazon S3, "Error responses"."""

_FAULTS = {
    "dns error": "the name of {server} is not known here",
    "UnknownIssuer": "the certificate of {server} is of an authority that is not trusted here",
    "InvalidCertificate": "the certificate of {server} is not valid",
    "InvalidContentType": "{server} speaks no TLS",
    "tcp connect error": "nothing answers at {server}",
    "kind: Connect": "{server} cannot be connected to",
    "kind: Timeout": "{server} is silent",
    "403 Forbidden": "the keys are wrong, or do not allow it in the bucket {bucket!r}",
    "404 Not Found": "{server} has no bucket {bucket!r}",
    "not loaded": "no keys are given",
    "169.254.169.254": "no keys are given",
}


__all__ = ["Bucket", "access", "reason"]
