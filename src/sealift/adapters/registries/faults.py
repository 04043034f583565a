"""What a registry or the way to it did, as the error that tells a person what to do next."""

from __future__ import annotations

import httpx
import msgspec

from sealift.adapters.registries.credentials import Found
from sealift.errors import NotFoundError, RegistryError, SealiftError
from sealift.network.faults import causes, trouble

_LONGEST = 300
_MOST_READ = 64 << 10
_PLAIN = "If it speaks plain HTTP, name it in network.insecure in sealift.toml."


class _Fault(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Faults(msgspec.Struct, frozen=True):
    errors: list[_Fault] = msgspec.field(default_factory=list)


def unreachable(error: httpx.TransportError, where: str) -> RegistryError | None:
    """The error for what no further attempt would mend; None for a bad moment."""
    found = trouble(error, "the registry")
    if found is None or not found.lasting:
        return None
    return RegistryError(found.what, where=where, remedy=found.remedy or _PLAIN)


def unmet(error: httpx.TransportError, where: str, *, plain: bool) -> RegistryError | None:
    """The error for a registry that was not reached even once; None for a bad moment.

    Who mistyped a name or is offline is told so at once.
    """
    refused = any(isinstance(one, ConnectionRefusedError) for one in causes(error))
    if refused and not isinstance(error, httpx.ProxyError):
        hint = (
            "Start it, or check the port."
            if plain
            else "Is it plain HTTP on another port? Only loopback is by default; "
            "else name it in network.insecure in sealift.toml."
        )
        return RegistryError("Nothing listens there: connection refused.", where=where, remedy=hint)
    if found := trouble(error, "the registry"):
        return RegistryError(found.what, where=where, remedy=found.remedy)
    return None


def refusal(answer: httpx.Response, what: str, found: Found | None) -> SealiftError:
    """The error for an answer that is not what was asked for. The answer's body must be read."""
    where = place(answer.request)
    said = words(answer)
    status = answer.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return _unauthorized(where, answer.request.url.netloc.decode(), found, said)
    if status == httpx.codes.FORBIDDEN:
        known = f" ({found.credential.source})" if found and found.credential else ""
        return RegistryError(
            f"The registry does not allow this: {what}{said}.",
            where=where,
            remedy=f"Ask its owner for the right to, or log in as somebody else{known}.",
        )
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(
            f"The registry does not have it: {what}{said}.",
            where=where,
            remedy="Check the repository and the tag; private ones may need a login.",
        )
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return RegistryError(
            f"This is too large for the registry, or for a proxy before it: {what}{said}.",
            where=where,
            remedy="Ask its owner to raise the limit on the size of a request.",
        )
    return RegistryError(f"The registry answered {status}: {what}{said}.", where=where)


def place(request: httpx.Request) -> str:
    """Method and address, without the query, which may hold secrets."""
    url = request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode()}{url.path}"


def words(answer: httpx.Response) -> str:
    """What the registry said about an error (distribution-spec, "Error Codes"), in one line."""
    try:
        faults = msgspec.json.decode(answer.content[:_MOST_READ], type=_Faults).errors
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    text = "; ".join(f"{one.code} {one.message}".strip() for one in faults[:3])
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return f": {printable[:_LONGEST].rstrip('.')}" if printable else ""


def codes(answer: httpx.Response) -> set[str]:
    """The error codes in an answer."""
    try:
        faults = msgspec.json.decode(answer.content[:_MOST_READ], type=_Faults).errors
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return set()
    return {one.code for one in faults}


def _unauthorized(where: str, host: str, found: Found | None, said: str) -> RegistryError:
    if found and found.credential:
        return RegistryError(
            f"The registry does not accept the credentials from {found.credential.source}{said}.",
            where=where,
            remedy=f"Log in to {host} again, with docker, podman or skopeo.",
        )
    looked = ", ".join(found.looked) if found else "nowhere"
    return RegistryError(
        f"The registry wants to know who asks, and there are no credentials for {host}{said}.",
        where=where,
        remedy=f"Log in with docker, podman or skopeo. Looked into: {looked}.",
    )


__all__ = ["codes", "place", "refusal", "unmet", "unreachable", "words"]
