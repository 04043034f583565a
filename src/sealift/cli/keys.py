"""The commands about signing keys: list, make, export, trust, distrust."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sealift.adapters.signers.keyring import Key
from sealift.adapters.signers.pem import PASSWORD, spell
from sealift.adapters.signers.pem import fingerprint as fingerprint_of
from sealift.cli.faults import refusal
from sealift.cli.options import HERE, Json, Where, project, workplace
from sealift.cli.output import Page
from sealift.errors import NotFoundError, UsageError
from sealift.whole import whole

LARGEST = 64 * 1024
"""Bytes of a file that may be a key."""
STREAM = "-"

app = typer.Typer(no_args_is_help=True, help="The keys that sign, and those that are trusted.")


@app.command("list")
def show(where: Where = HERE, json: Json = False) -> None:
    """List the project's own key and those it trusts."""
    wired, page = project(where), Page(as_json=json)
    known = wired.keyring.known()
    page.value(known)
    page.table(
        ("fingerprint", "key", "file"),
        [(one.fingerprint, _role(one), Path(one.file).name) for one in known],
        empty="no key yet: `sealift keys make`, or the first `sealift package`, makes one",
    )


@app.command()
def make(
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Make a new key; signatures by the one of before stay trusted."
        ),
    ] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Make the project's signing key, if it has none; SEALIFT_KEY_PASSWORD encrypts it."""
    wired, page = workplace(where), Page(as_json=json)
    ring, before = wired.keyring, None
    with wired.ledger.exclusive("keys"):
        if replace:
            (own, before), fresh = ring.replace(), True
        else:
            own, fresh = ring.make()
    page.value({"key": own, "made": fresh, "before": before})
    page.line(f"{own.fingerprint}  {_role(own)}", "good")
    page.line(f"private: {own.file}", "info")
    if not own.encrypted:
        page.line(f"not encrypted; {PASSWORD} gives a new key a password", "info")
    if before:
        page.line(f"before: {before.fingerprint}, trusted; its private key is in replaced/", "info")
    elif not fresh:
        page.line("it was there already; --replace makes a new one", "info")
    page.line("next: sealift keys export FILE, for those who verify", "info")


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="File to write; else standard output.")
    ] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Write the public half of the project's key, for those who verify its signatures."""
    wired, page = project(where), Page(as_json=json)
    key = wired.keyring.own()
    if key is None:
        raise NotFoundError(
            "The project has no signing key yet.",
            where=str(wired.folders.keys),
            remedy="Run `sealift keys make`.",
        )
    public, name = spell(key), fingerprint_of(key)
    if to is not None:
        with whole(to, "The public key") as file:
            file.write(public)
    page.value(
        {
            "fingerprint": name,
            "public": public.decode(),
            "file": None if to is None else str(to),
        }
    )
    if to is not None:
        page.line(f"public key {name}: {to}", "good")
    elif not json:
        sys.stdout.write(public.decode())


@app.command()
def trust(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A public key (PEM); - reads it.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Accept what is signed with the private half of a public key."""
    wired, page = workplace(where), Page(as_json=json)
    content = read(file)
    with wired.ledger.exclusive("keys"):
        key, fresh = wired.keyring.trust(content, "standard input" if file == STREAM else file)
    page.value({"key": key, "new": fresh})
    said = "trusted" if fresh else f"{_role(key)} already"
    page.line(f"{key.fingerprint}  {said}", "good")


@app.command()
def distrust(
    fingerprint: Annotated[
        str, typer.Argument(metavar="FINGERPRINT", help="The key's fingerprint, or how it begins.")
    ],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Accept what a key signed no longer."""
    wired, page = workplace(where), Page(as_json=json)
    with wired.ledger.exclusive("keys"):
        gone = wired.keyring.distrust(fingerprint)
    page.value(gone)
    page.line(f"{gone[0].fingerprint}  no longer trusted", "good")
    page.line("what it signed is refused by `sealift release` from now on", "info")


def read(file: str) -> bytes:
    """A file that may be a key, or standard input for ``-``.

    Raises ``UsageError`` where it cannot be read or is larger than any key.
    """
    try:
        if file == STREAM:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as source:
                content = source.read(LARGEST + 1)
    except OSError as error:
        raise refusal(error) from error
    if len(content) > LARGEST:
        raise UsageError("This is too large for a key.", where=file)
    return content


def _role(key: Key) -> str:
    if key.role == "own":
        return "own, encrypted" if key.encrypted else "own"
    return key.role


__all__ = ["app"]
