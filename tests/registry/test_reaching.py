"""How registries are named and reached, and what is said when they are not."""

import pytest
from registry_images import make_image

from network_servers import Company
from registry_programs import QUICK
from sealift import clock
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.credentials import Credential, Found
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import is_loopback, parse
from sealift.adapters.registries.retry import Retry, retry_after
from sealift.adapters.registries.session import Access
from sealift.errors import MachineError, RegistryError, UsageError
from sealift.loopback import free_port
from sealift.network.network import Network
from sealift.record.network import NetworkSettings
from sealift.testing.registry import Faults, RegistryServer

ZEROS = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "target"),
    [
        ("debian", "docker.io", "library/debian", "latest"),
        ("debian:12", "docker.io", "library/debian", "12"),
        ("team/model", "docker.io", "team/model", "latest"),
        ("index.docker.io/team/model", "docker.io", "team/model", "latest"),
        ("localhost/model:1", "localhost", "model", "1"),
        ("localhost:5000/a/b/c:v1.2", "localhost:5000", "a/b/c", "v1.2"),
        ("registry.example/x", "registry.example", "x", "latest"),
        (f"registry.example/x@{ZEROS}", "registry.example", "x", ZEROS),
        (f"registry.example:443/x:1@{ZEROS}", "registry.example:443", "x", ZEROS),
        ("[::1]:5000/x:1", "[::1]:5000", "x", "1"),
        ("r.example/a__b/c---d.e:A_b.c-9", "r.example", "a__b/c---d.e", "A_b.c-9"),
    ],
)
def test_references_are_read_as_docker_reads_them(text, host, repository, target):
    """A first part with a dot, a colon, or ``localhost`` is a host."""
    found = parse(text)

    assert (found.host, found.repository, found.target) == (host, repository, target)
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "repository"),
        ("r.example/", "repository"),
        ("https://r.example/x", "scheme"),
        ("r.example/Team/x", "upper-case"),
        ("r.example/a//b", "repository"),
        ("r.example/../x", "repository"),
        ("r.example/x:", "tag"),
        ("r.example/x:-1", "tag"),
        ("r.example/x:" + "a" * 129, "tag"),
        ("r.example/x@sha256:12", "digest"),
        ("r.example/x@", "digest"),
        ("r_.example:x/y", "host"),
        ("r.example/" + "a" * 300, "repository"),
        ("r.example/x?y=1", "repository"),
        ("r.example/x y", "repository"),
    ],
)
def test_what_is_no_reference_is_refused_with_the_reason(text, words):
    """And with an example of a right one."""
    with pytest.raises(UsageError, match=words) as caught:
        parse(text)

    assert "HOST/REPOSITORY:TAG" in caught.value.remedy


def test_docker_hub_answers_elsewhere():
    """Under a name that nobody writes."""
    assert parse("debian").server == "registry-1.docker.io"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("x.localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("0.0.0.0:5000", False),
        ("localhost.example", False),
        ("192.168.0.1:5000", False),
    ],
)
def test_only_loopback_is_this_machine(host, local):
    """Nothing is looked up for it."""
    assert is_loopback(host) is local


def test_a_host_that_nobody_knows_is_said_at_once(other):
    """No attempts are wasted on it."""
    began = clock.monotonic()

    with pytest.raises(RegistryError, match="name of the registry is not known") as caught:
        pull("nowhere.invalid/x:1", other)

    assert "HTTPS_PROXY" in caught.value.remedy
    assert caught.value.where.startswith("https://nowhere.invalid/")
    assert clock.monotonic() - began < 10


def test_a_port_where_nothing_listens_is_said_at_once(other):
    """On loopback it is plain HTTP, and that is not in doubt."""
    with pytest.raises(RegistryError, match="connection refused") as caught:
        pull(f"127.0.0.1:{free_port()}/x:1", other)

    assert "check the port" in caught.value.remedy


def test_a_registry_that_goes_away_in_the_midst_is_waited_for(store, access):
    """Refused connections count as a bad moment once it has answered."""
    patient = Access(retry=Retry(attempts=3, first=0.001))
    with RegistryServer() as server:
        client = Client(parse(f"{server.host}/m"), PULL, patient)
        assert not client.has(make_image(store).digest)
    with client, pytest.raises(RegistryError, match="3 attempts"):
        client.has(make_image(store).digest)


def network(**settings):
    """The network of a project with these settings."""
    return Network(NetworkSettings(**settings))


def by_another_name(server):
    """A name of this machine's that does not look like one."""
    return server.host.replace("127.0.0.1", "0.0.0.0")


@pytest.fixture
def secure(tmp_path):
    """A registry that speaks TLS, and the certificate of its authority."""
    company = Company(tmp_path)
    with RegistryServer(tls=company.tls("0.0.0.0")) as server:
        yield server, company.ca


def test_a_certificate_of_ones_own_authority_is_trusted_when_named(
    secure, store, other, monkeypatch
):
    """In the settings, or in the variable that all tools know."""
    server, cert = secure
    image = make_image(store)
    access = Access(network(ca=str(cert)), QUICK)

    push(store, image.digest, f"{by_another_name(server)}/m:1", access=access)

    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert pull(f"{by_another_name(server)}/m:1", other, access=Access(retry=QUICK)) == image.digest


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, other):
    """With both places where an authority can be named."""
    server, _ = secure

    with pytest.raises(RegistryError, match="not trusted") as caught:
        pull(f"{by_another_name(server)}/m:1", other, access=Access(retry=QUICK))

    assert "network.ca" in caught.value.remedy
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert not server.seen


def test_plain_http_where_tls_is_wanted_is_said(server, other):
    """With the setting that allows it."""

    with pytest.raises(RegistryError, match="TLS") as caught:
        pull(f"{by_another_name(server)}/m:1", other, access=Access(retry=QUICK))

    assert "network.insecure" in caught.value.remedy


def test_a_registry_may_be_named_insecure(server, store):
    """By host and port."""
    access = Access(network(insecure=[by_another_name(server)]), QUICK)

    push(store, make_image(store).digest, f"{by_another_name(server)}/m:1", access=access)

    assert server.tags


def test_from_tls_no_way_leads_to_plain_http(secure, server, store, other):
    """Neither for content nor for credentials."""
    safe, cert = secure
    access = Access(network(ca=str(cert)), QUICK)
    push(store, make_image(store).digest, f"{by_another_name(safe)}/m:1", access=access)
    safe.faults.storage = f"http://{server.host}"

    with pytest.raises(RegistryError, match="without encryption"):
        pull(f"{by_another_name(safe)}/m:1", other, access=access)

    safe.faults.login, safe.faults.scheme = ("pilot", "secret"), "Bearer"
    found = Found(Credential("a test", "pilot", "secret"), ())
    known = Access(access.network, QUICK, credentials=lambda *_: found)
    with pytest.raises(RegistryError, match="credentials be sent without encryption"):
        pull(f"{by_another_name(safe)}/m:1", other, access=known)
    assert not server.seen


def test_a_file_of_authorities_that_cannot_be_read_is_named(other, tmp_path):
    """Not a stack of calls."""
    access = Access(network(ca=str(tmp_path / "none.pem")), QUICK)

    with pytest.raises(MachineError, match="Certificates cannot be read") as caught:
        pull("nowhere.invalid/x", other, access=access)

    assert "none.pem" in caught.value.where


def test_a_proxy_is_used_except_for_this_machine(server, store, monkeypatch):
    """Those of the usual variables."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{server.host}")
    image = make_image(store)
    access = Access(network(insecure=["registry.invalid"]), QUICK)

    push(store, image.digest, "registry.invalid/m:1", access=access)
    assert all(one.path.startswith("http://registry.invalid/v2/") for one in server.seen)

    with RegistryServer(Faults()) as near:
        push(store, image.digest, f"{near.host}/m:1", access=access)
        assert all(one.path.startswith("/v2/") for one in near.seen)

    monkeypatch.setenv("NO_PROXY", "registry.invalid")
    with pytest.raises(RegistryError, match="not known"):
        push(store, image.digest, "registry.invalid/m:2", access=Access(network(), QUICK))


def test_a_proxy_that_refuses_is_named(server, other, monkeypatch):
    """It has no way to the registry, or wants a login of its own."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://{server.host}")

    with pytest.raises(RegistryError, match="The proxy does not let") as caught:
        pull("registry.invalid/m:1", other, access=Access(retry=QUICK))

    assert "HTTPS_PROXY" in caught.value.remedy


def test_without_a_network_it_is_said_at_once(other):
    """As on a machine that is offline: no way leads to the address."""
    with pytest.raises(RegistryError, match="no way to the registry"):
        pull("255.255.255.255:5000/m:1", other, access=Access(retry=Retry(attempts=1)))


def test_pauses_grow_and_differ():
    """Bounded, and never the same for two clients."""
    policy = Retry(first=1.0, longest=10.0)

    for failed, most in ((1, 1.0), (2, 2.0), (3, 4.0), (9, 10.0)):
        pauses = {policy.pause(failed) for _ in range(20)}
        assert all(most / 2 <= one <= most for one in pauses)
        assert len(pauses) > 10


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("Thu, 01 Jan 1970 00:00:10 GMT", 8.0), ("", None), (None, None), ("soon", None)],
)
def test_retry_after_is_a_number_or_a_date(text, seconds):
    """Of the standard's two forms; anything else is no answer."""
    assert retry_after(text, 2.0) == seconds
