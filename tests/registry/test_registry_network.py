"""Registries are reached by the ways of the project's network, or it is said what is amiss."""

import httpx
import pytest
from registry_images import make_image

from network_servers import Company, Proxy, forget
from registry_programs import QUICK
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import Pushing, push
from sealift.adapters.registries.session import Access
from sealift.errors import MachineError, OfflineError, RegistryError
from sealift.loopback import free_port
from sealift.network.network import Network
from sealift.record.network import NetworkSettings
from sealift.testing.registry import RegistryServer

PLACE = "registry.example/team/model:1"


@pytest.fixture
def company(tmp_path, monkeypatch):
    """The authority of a company, and nothing said of the network."""
    forget(monkeypatch)
    return Company(tmp_path / "company")


def led(server, **how):
    """A proxy that leads to a registry by its name."""
    return Proxy({"registry.example": int(server.host.rpartition(":")[2])}, **how)


@pytest.fixture
def inside(company):
    """A registry that only a proxy leads to, and that only the company vouches for."""
    with RegistryServer(tls=company.tls("registry.example")) as server, led(server) as proxy:
        proxy.server = server
        yield proxy


def access(**settings):
    """Access by these settings."""
    return Access(Network(NetworkSettings(**settings)), QUICK)


def test_images_go_by_the_proxy_and_the_company_is_trusted(inside, company, store, other):
    """There and back."""
    image = make_image(store)
    ways = access(proxy=inside.url, ca=str(company.ca))

    push(store, image.digest, PLACE, access=ways)

    assert pull(PLACE, other, access=ways) == image.digest
    assert inside.hosts == {"registry.example"}
    assert inside.server.seen


def test_the_usual_variables_stand_for_the_settings(inside, company, store, monkeypatch):
    """As for packages."""
    monkeypatch.setenv("HTTPS_PROXY", inside.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(company.ca))

    push(store, make_image(store).digest, PLACE, access=access())

    assert ("team/model", "1") in inside.server.tags


def test_without_the_authority_the_registry_is_not_trusted(inside, other):
    """Whatever the proxy says."""
    with pytest.raises(RegistryError, match="certificate of the registry is not trusted") as caught:
        pull(PLACE, other, access=access(proxy=inside.url))

    assert "network.ca" in caught.value.remedy
    assert not inside.server.seen


def test_any_number_of_tunnels_without_trust_end(inside):
    """None waits for a connection that another one left behind."""
    network = Network(NetworkSettings(proxy=inside.url))
    with network.client(connections=2) as client:
        for _ in range(20):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                client.get("https://registry.example/v2/")

    assert len(inside.seen) == 20


def test_layers_that_leave_ahead_do_not_wait_for_trust(inside, store):
    """The push says what is wrong, however many layers there are."""
    image = make_image(store, sizes=[100] * 30)
    ways = access(proxy=inside.url)

    with Pushing(store, PLACE, access=ways) as going:
        going.ahead(store.manifest(image.digest).layers)
        with pytest.raises(RegistryError, match="certificate"):
            going.finish(image.digest, PLACE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(407, "wants to know who asks"), (502, "does not let"), (None, "proxy cannot be reached")],
    ids=["login", "broken", "dead"],
)
def test_a_proxy_that_does_not_lead_there_is_blamed(company, other, answer, said):
    """At once, and without its password."""
    with Proxy({}, answer=answer) as proxy:
        port = proxy.port if answer else free_port()
        url = f"http://pilot:Hush4711@127.0.0.1:{port}"
        with pytest.raises(RegistryError, match=said) as caught:
            pull(PLACE, other, access=access(proxy=url))

    assert "network.proxy" in caught.value.remedy
    assert "Hush4711" not in f"{caught.value!r} {caught.value}"


def test_a_proxy_gets_the_login_of_its_address(company, store, tmp_path):
    """And only the proxy does."""
    with RegistryServer(tls=company.tls("registry.example")) as server:
        with led(server, login=("pilot", "Hush4711")) as proxy:
            url = proxy.url.replace("://", "://pilot:Hush4711@")
            ways = access(proxy=url, ca=str(company.ca))
            push(store, make_image(store).digest, PLACE, access=ways)

        assert not [one for one in server.seen if "Hush4711" in str(one)]


def test_a_bad_file_of_authorities_is_named(inside, other, tmp_path):
    """Before anything is sent."""
    (tmp_path / "ca.pem").write_bytes(b"rubbish")

    with pytest.raises(MachineError, match="nothing in PEM form"):
        pull(PLACE, other, access=access(proxy=inside.url, ca=str(tmp_path / "ca.pem")))

    assert not inside.seen


def test_offline_a_registry_is_not_asked(inside, company, store, other):
    """But one on this machine is."""
    with pytest.raises(OfflineError, match="a registry is to be asked") as caught:
        pull(PLACE, other, access=access(proxy=inside.url, offline=True))

    assert caught.value.where.startswith("https://registry.example/v2/")
    assert not inside.seen
    with RegistryServer() as near:
        push(store, make_image(store).digest, f"{near.host}/m:1", access=access(offline=True))
