"""Who asks: tokens, passwords, and where they are kept."""

import base64
import json
import os
import threading

import pytest
from registry_images import make_image, plain

from registry_programs import QUICK, write_login
from sealift.adapters.registries.auth import challenges
from sealift.adapters.registries.credentials import Credential, Found, files, find
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.session import Access
from sealift.errors import MachineError, RegistryError

HOST = "registry.example:5000"


def known(**words):
    """Access with this credential."""
    found = Found(Credential("a test", **words), ("a test",))
    return Access(retry=QUICK, credentials=lambda *_: found)


@pytest.fixture
def token_faults(faults):
    """A registry that wants tokens."""
    faults.login, faults.scheme, faults.identity = ("pilot", "secret"), "Bearer", "identity-1"
    return faults


PILOT = {"user": "pilot", "password": "secret"}


def test_one_token_serves_a_whole_push(server, token_faults, store):
    """For reading and writing of this repository, bought with the password."""
    image = make_image(store)

    push(store, image.digest, f"{server.host}/team/m:1", access=known(**PILOT))

    bought = [one for one in server.seen if one.path.startswith("/token")]
    assert len(bought) == 1
    assert bought[0].path.count("scope=") == 1
    assert "scope=repository%3Ateam%2Fm%3Apull%2Cpush" in bought[0].path
    assert sum(one.status == 401 for one in server.seen) <= 4


def test_an_identity_token_buys_access_tokens(server, token_faults, store, other):
    """It goes in the body of a request, as OAuth 2 wants it."""
    image = make_image(store)
    access = known(identity="identity-1")

    push(store, image.digest, f"{server.host}/m:1", access=access)

    assert pull(f"{server.host}/m:1", other, access=access) == image.digest
    assert {one.method for one in server.seen if one.path.startswith("/token")} == {"POST"}


def test_a_token_that_expires_is_replaced(server, token_faults, store):
    """In time, where the registry says how long it lives."""
    token_faults.token_seconds = 0.2
    token_faults.lag = 0.08
    image = make_image(store)
    make_image(store, seed=2, sizes=(9,), subject=plain(image))

    push(store, image.digest, f"{server.host}/m:1", access=known(**PILOT))

    assert sum(one.status == 401 for one in server.seen) <= 4
    assert len(server.tokens) >= 2


def test_a_token_that_is_taken_back_is_replaced(server, token_faults, store):
    """When the registry does not accept it any more, in the midst of uploads."""
    image = make_image(store, sizes=[100_000] * 6)
    revoked, turn = [], threading.Lock()

    class Tokens(dict):
        def get(self, name, default):
            with turn:
                found = super().get(name, default)
                if len(revoked) < 2 and len(server.blobs) > 2 * len(revoked) and found[0]:
                    revoked.append(self.pop(name))
                    return default
                return found

    server.tokens = Tokens()
    push(store, image.digest, f"{server.host}/m:1", access=known(**PILOT))

    assert len(revoked) == 2
    assert len(server.blobs) == 7


def test_tokens_that_are_taken_back_one_after_the_other_are_replaced(server, token_faults, store):
    """Before a single request got through with any of them."""
    image = make_image(store, sizes=[1000])
    revoked, turn = [], threading.Lock()

    class Tokens(dict):
        def get(self, name, default):
            with turn:
                found = super().get(name, default)
                if len(revoked) < 3 and found[0]:
                    revoked.append(self.pop(name))
                    return default
                return found

    server.tokens = Tokens()
    push(store, image.digest, f"{server.host}/m:1", access=known(**PILOT))

    assert len(revoked) == 3
    assert len(server.blobs) == 2


def test_mounting_asks_for_both_repositories(server, token_faults, store):
    """One token reads there and writes here."""
    image = make_image(store)
    push(store, image.digest, f"{server.host}/here:1", access=known(**PILOT))
    access = known(**PILOT)
    access = Access(retry=QUICK, credentials=access.credentials, sources=("here",))

    pushed = push(store, image.digest, f"{server.host}/there:1", access=access)

    assert pushed.mounted_blobs == 3


def test_a_repository_that_may_not_be_read_spoils_no_push(server, token_faults, store):
    """A server that refuses all for one scope too many is asked for the needed one."""
    image = make_image(store)
    token_faults.forbidden = "gone"
    access = Access(retry=QUICK, credentials=known(**PILOT).credentials, sources=("gone",))

    pushed = push(store, image.digest, f"{server.host}/here:1", access=access)

    assert (pushed.sent_blobs, pushed.mounted_blobs) == (3, 0)


def test_a_wrong_password_is_said_with_the_file_it_came_from(server, token_faults, store):
    """No endless asking."""
    image = make_image(store)

    with pytest.raises(RegistryError, match="credentials from a test"):
        push(
            store, image.digest, f"{server.host}/m:1", access=known(user="pilot", password="wrong")
        )

    assert len(server.seen) < 12


def test_a_login_without_the_right_to_write_is_said(server, faults, store):
    """403 is not 401."""
    faults.answers = [(403, "")] * 20

    with pytest.raises(RegistryError, match="does not allow this") as caught:
        push(store, make_image(store).digest, f"{server.host}/m:1", access=known(**PILOT))

    assert "log in as somebody else" in caught.value.remedy


def test_no_secret_is_in_an_error_or_a_record(server, token_faults, store):
    """Neither passwords nor tokens nor upload state."""
    credential = Credential("a file", user="pilot", password="very-secret", identity="also-secret")

    assert "secret" not in repr(credential)
    with pytest.raises(RegistryError) as caught:
        push(
            store,
            make_image(store).digest,
            f"{server.host}/m:1",
            access=known(user="pilot", password="very-secret"),
        )
    assert "very-secret" not in str(caught.value)
    assert "?" not in caught.value.where


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Basic realm=x", [("basic", {"realm": "x"})]),
        ('basic realm="a, Bearer b=\\"c\\""', [("basic", {"realm": 'a, Bearer b="c"'})]),
        (
            'Bearer realm="https://a/t?x=1",service=s , scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://a/t?x=1",
                        "service": "s",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'Negotiate, Basic realm="one", Bearer realm="two",error="insufficient_scope"',
            [
                ("negotiate", {}),
                ("basic", {"realm": "one"}),
                ("bearer", {"realm": "two", "error": "insufficient_scope"}),
            ],
        ),
        ("", []),
        ('realm="x"', []),
    ],
)
def test_challenges_are_read_as_the_standard_says(header, found):
    """Several in one header, with and without quotes."""
    assert [(one.scheme, one.parts) for one in challenges([header])] == found


def env(tmp_path, **more):
    """An environment with a home folder."""
    return {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}", **more}


def write(path, content):
    """A file of credentials."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def login(user, password="p"):
    """An entry with a user and a password."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_files_are_looked_into_in_the_order_of_docker_and_podman(tmp_path):
    """What the environment names comes first; REGISTRY_AUTH_FILE stands alone."""
    runtime = str(tmp_path / "run")
    assert list(files(env(tmp_path, REGISTRY_AUTH_FILE="/x.json"))) == [type(tmp_path)("/x.json")]
    usual = [str(path) for path in files(env(tmp_path, XDG_RUNTIME_DIR=runtime))]
    assert usual == [
        f"{runtime}/containers/auth.json",
        f"{tmp_path}/.config/containers/auth.json",
        f"{tmp_path}/.docker/config.json",
    ]
    chosen = list(files(env(tmp_path, DOCKER_CONFIG=str(tmp_path / "d"))))
    assert chosen[0] == tmp_path / "d" / "config.json"


def test_the_narrowest_entry_of_a_file_counts(tmp_path):
    """As podman does: a repository before its namespace before the host."""
    entries = {HOST: login("host"), f"{HOST}/team": login("team"), f"{HOST}/team/m": login("m")}
    write(tmp_path / ".docker" / "config.json", {"auths": entries})

    users = [find(HOST, name, env(tmp_path)).credential.user for name in ("a", "team/x", "team/m")]

    assert users == ["host", "team", "m"]


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"]
)
def test_docker_hub_is_found_under_all_its_names(tmp_path, key):
    """Docker itself writes the oldest one."""
    write(tmp_path / ".docker" / "config.json", {"auths": {key: login("hub", "a:b")}})

    credential = find("docker.io", "library/debian", env(tmp_path)).credential

    assert (credential.user, credential.password) == ("hub", "a:b")


def test_tokens_in_files_are_found(tmp_path):
    """Identity tokens, and access tokens."""
    entries = {"a.example": {"identitytoken": "i"}, "b.example": {"registrytoken": "r"}}
    write(tmp_path / ".docker" / "config.json", {"auths": entries})

    assert find("a.example", "x", env(tmp_path)).credential.identity == "i"
    assert find("b.example", "x", env(tmp_path)).credential.access == "r"


def helper(tmp_path, name, script):
    """A program that answers as docker's credential helpers do."""
    path = tmp_path / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_helper_is_asked_by_its_protocol(tmp_path):
    """The host goes in, JSON comes out; the host's own helper comes before the general one."""
    content = {"credsStore": "all", "credHelpers": {HOST: "one"}}
    write(tmp_path / ".docker" / "config.json", content)
    answer = '{"ServerURL":"%s","Username":"%s","Secret":"s"}'
    helper(tmp_path, "one", f"""[ "$1" = get ] && printf '{answer}' "$(cat)" one""")
    helper(tmp_path, "all", f"""printf '{answer}' "$(cat)" '<token>'""")

    assert find(HOST, "x", env(tmp_path)).credential.user == "one"
    general = find("other.example", "x", env(tmp_path)).credential
    assert (general.user, general.identity) == ("", "s")


def test_a_helper_that_knows_nothing_leaves_it_to_the_files(tmp_path):
    """And every place that was looked into is told."""
    write(tmp_path / ".docker" / "config.json", {"credsStore": "none"})
    helper(tmp_path, "none", "echo 'credentials not found in native keychain'; exit 1")

    found = find(HOST, "x", env(tmp_path))

    assert found.credential is None
    assert found.looked[-2:] == (
        str(tmp_path / ".docker" / "config.json"),
        "docker-credential-none",
    )


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo 'keychain is locked' >&2; exit 1", RegistryError, "keychain is locked"),
        ("echo nonsense", RegistryError, "not JSON"),
        (None, MachineError, "not on this machine"),
    ],
)
def test_a_helper_that_fails_is_an_error(tmp_path, script, error, words):
    """Not silence: who set it up wants it used."""
    write(tmp_path / ".docker" / "config.json", {"credHelpers": {HOST: "bad"}})
    if script:
        helper(tmp_path, "bad", script)

    with pytest.raises(error, match=words):
        find(HOST, "x", env(tmp_path))


def test_a_helper_cannot_be_a_path(tmp_path):
    """A file of credentials starts no program but a credential helper."""
    write(tmp_path / ".docker" / "config.json", {"credHelpers": {HOST: "x/../../evil"}})

    with pytest.raises(RegistryError, match="name of a credential helper"):
        find(HOST, "x", env(tmp_path))


@pytest.mark.parametrize(
    "text", ["{", '{"auths": 3}', f'{{"auths": {{"{HOST}": {{"auth": "%"}}}}}}']
)
def test_a_damaged_file_is_named(tmp_path, text):
    """With what to do about it."""
    path = tmp_path / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(RegistryError) as caught:
        find(HOST, "x", env(tmp_path))

    assert caught.value.where == str(path)
    assert "Log in again" in caught.value.remedy or "log in again" in caught.value.remedy


def test_a_registry_without_a_login_is_never_told_who_asks(server, store, home):
    """Credentials are looked up only when it wants to know."""
    (home / ".docker").mkdir(parents=True)
    (home / ".docker" / "config.json").write_text("{")

    push(store, make_image(store).digest, f"{server.host}/m:1", access=Access(retry=QUICK))

    assert not any("authorization" in one.headers for one in server.seen)


def test_basic_login_from_a_file(server, faults, store, home):
    """The usual way at small registries."""
    faults.login = ("pilot", "secret")
    write_login(home, server.host, "pilot", "secret")

    push(store, make_image(store).digest, f"{server.host}/m:1", access=Access(retry=QUICK))

    assert server.tags
