"""Packages and wheels come by the ways of the project's network, or it is said what is amiss."""

import shutil
import socket

import httpx
import pytest
from archives import Archive, wheel
from network_builds import builder

from network_servers import Company, Files, Proxy
from sealift.errors import MachineError, SealiftError, SourceError
from sealift.loopback import free_port
from sealift.network.network import Network
from sealift.record.network import NetworkSettings

MIRROR = "https://mirror.example/debian"
INDEX = "https://index.example/simple"


@pytest.fixture
def company(tmp_path):
    """The authority of a company."""
    return Company(tmp_path / "company")


@pytest.fixture
def inside(near, archive, wheels, company, tmp_path):
    """A mirror and an index that only a proxy leads to, and that only the company vouches for."""
    site = tmp_path / "site"
    (site / "debian").parent.mkdir()
    (site / "debian").symlink_to(archive.folder)
    (site / "simple").symlink_to(wheels)
    tls = company.tls("mirror.example", "index.example")
    with Files(site, tls=tls) as files:
        routes = {"mirror.example": files.port, "index.example": files.port}
        with Proxy(routes) as proxy:
            proxy.files = files
            yield proxy


def test_debian_and_uv_go_by_the_proxy_and_trust_the_company(near, inside, company):
    """To lock and to build; nobody else is asked."""
    build, _ = builder(near, proxy=inside.url, ca=str(company.ca), mirror=MIRROR, index=INDEX)

    assert "packages" in [layer.role for layer in build.step_image().layers]
    assert inside.hosts == {"mirror.example", "index.example"}
    asked = " ".join(inside.files.seen)
    assert "/debian/dists/trixie/InRelease" in asked
    assert "/simple/forest/forest-1.0-py3-none-any.whl" in asked


def test_the_usual_variables_stand_for_the_settings(near, inside, company, monkeypatch):
    """Each of them, where the project says nothing."""
    for name, text in {
        "https_proxy": inside.url,
        "REQUESTS_CA_BUNDLE": str(company.ca),
        "SEALIFT_MIRROR": MIRROR,
        "PIP_INDEX_URL": INDEX,
    }.items():
        monkeypatch.setenv(name, text)

    assert builder(near)[0].step_image()
    assert inside.hosts == {"mirror.example", "index.example"}


def test_the_settings_win_over_the_variables(near, inside, company, tmp_path, monkeypatch):
    """All of which lead nowhere here."""
    (tmp_path / "none.pem").write_bytes(company.ca.read_bytes())
    for name, text in {
        "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}",
        "SSL_CERT_FILE": str(tmp_path / "none.pem"),
        "SEALIFT_MIRROR": "https://nowhere.example/debian",
        "UV_DEFAULT_INDEX": "https://nowhere.example/simple",
        "UV_INDEX_URL": "https://nowhere.example/simple",
    }.items():
        monkeypatch.setenv(name, text)
    ca = company.ca.rename(near / "ca.pem")

    build, _ = builder(near, proxy=inside.url, ca=ca.name, mirror=MIRROR, index=INDEX)

    assert build.step_image()


def test_the_proxy_itself_may_speak_tls(near, inside, company):
    """With a certificate of the company's as well."""
    with Proxy(inside.routes, tls=company.tls("localhost")) as proxy:
        url = f"https://localhost:{proxy.port}"
        build, _ = builder(near, proxy=url, ca=str(company.ca), mirror=MIRROR, index=INDEX)

        assert build.lock()

    assert proxy.hosts == {"mirror.example", "index.example"}


def test_silence_is_borne_as_long_as_the_settings_say():
    """Not for the usual half minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        network = Network(NetworkSettings(timeout=1))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with network.client() as client, pytest.raises(httpx.ReadTimeout):
            client.get(url)


def test_without_the_authority_the_mirror_is_not_trusted(near, inside):
    """With both places where it can be named."""
    build, _ = builder(near, proxy=inside.url, mirror=MIRROR, index=INDEX)

    with pytest.raises(SourceError, match="certificate of the source is not trusted") as caught:
        build.lock()

    assert "network.ca" in caught.value.remedy
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert len(inside.seen) == 1, "it is not tried again"


def test_without_the_authority_the_index_is_not_trusted(near, inside, archive):
    """In the same words as of the mirror."""
    build, _ = builder(near, proxy=inside.url, mirror=archive.uri, index=INDEX)

    with pytest.raises(SourceError, match="certificate is not trusted") as caught:
        build.lock()

    assert "network.ca" in caught.value.remedy


@pytest.mark.parametrize(
    ("answer", "said"),
    [(407, "who asks"), (502, "does not let"), (None, "proxy cannot be reached")],
    ids=["login", "broken", "dead"],
)
@pytest.mark.parametrize("who", ["debian", "uv"])
def test_a_proxy_that_does_not_lead_anywhere_is_blamed(near, archive, wheels, answer, said, who):
    """It wants a login, has no way, or is not there at all."""
    local = {"mirror": archive.uri, "index": f"file://{wheels}"}
    far = {"mirror": MIRROR, "index": INDEX}
    key = "mirror" if who == "debian" else "index"
    with Proxy({}, answer=answer) as proxy:
        url = proxy.url if answer else f"http://127.0.0.1:{free_port()}"
        build, _ = builder(near, proxy=url, **local | {key: far[key]})
        with pytest.raises(SourceError, match="proxy") as caught:
            build.lock()

    assert said in str(caught.value)
    assert "network.proxy" in caught.value.remedy


def test_a_proxy_by_plain_http_that_wants_a_login_is_blamed(near, wheels):
    """There it answers in the place of the mirror."""
    with Proxy({}, answer=407) as proxy:
        build, _ = builder(near, proxy=proxy.url, mirror="http://mirror.example/debian")
        with pytest.raises(SourceError, match="proxy wants to know who asks"):
            build.lock()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\x30\x82\x01\x0a rubbish", "nothing in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "is damaged"),
    ],
)
@pytest.mark.parametrize("setting", ["ca", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bad_file_of_authorities_is_named(near, archive, monkeypatch, content, said, setting):
    """Not passed over in silence, which would look like a bad server."""
    path = near / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    if setting != "ca":
        monkeypatch.setenv(setting, str(path))
    build, _ = builder(near, mirror=archive.uri, **{"ca": "ca.pem"} if setting == "ca" else {})

    with pytest.raises(MachineError, match=said) as caught:
        build.lock()

    assert caught.value.where == str(path)
    assert setting in caught.value.remedy


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://proxy.example", "http://"])
def test_an_address_that_no_proxy_has_is_refused(near, proxy):
    """Rather than the proxy be passed by."""
    with pytest.raises(MachineError, match="address of the proxy"):
        builder(near, proxy=proxy, mirror=MIRROR)[0].lock()


def test_a_private_index_is_asked_with_the_name_and_the_password(near, archive, wheels):
    """Those of its address."""
    with Files(wheels, login=("pilot", "pass:word")) as index:
        url = index.url.replace("://", "://pilot:pass%3Aword@")
        assert builder(near, mirror=archive.uri, index=url)[0].step_image()
        shutil.rmtree(near / ".sealift")
        (near / "sealift.lock").unlink()

        with pytest.raises(SourceError, match="wants to know who asks") as caught:
            builder(near, mirror=archive.uri, index=f"{index.url}/other")[0].lock()

    assert "netrc" in caught.value.remedy


def test_a_further_index_has_what_the_first_has_not(near, archive, wheels, tmp_path):
    """Both by the settings."""
    wheel(tmp_path / "ours", "secretsauce")
    (near / "requirements.txt").write_text("forest\nsecretsauce\n")
    further = [f"file://{tmp_path}/ours"]

    build, _ = builder(near, mirror=archive.uri, index=f"file://{wheels}", extra_indexes=further)

    assert any(line.startswith("secretsauce==") for line in build.lock().packages)


def _set(monkeypatch, variables):
    for name, text in variables.items():
        monkeypatch.setenv(name, text)


def test_no_password_is_written_or_said_anywhere(near, archive, wheels, tmp_path, monkeypatch):
    """Neither in the lock, the records and layers, what is shown, nor in any error."""
    login = ("pilot", "Hush4711")
    keys, stranger = str(tmp_path / "keys"), tmp_path / "stranger"
    stranger.write_bytes(Archive(tmp_path / "other").keyring)
    with (
        Files(archive.folder, login=login) as mirror,
        Files(wheels, login=login) as index,
        Proxy({"m.example": mirror.port, "i.example": index.port}, login=login) as proxy,
    ):
        url = "http://pilot:Hush4711@{}"
        ways = {
            "HTTP_PROXY": url.format(f"127.0.0.1:{proxy.port}"),
            "SEALIFT_MIRROR": url.format("m.example"),
            "UV_DEFAULT_INDEX": url.format("i.example"),
        }
        _set(monkeypatch, ways)
        build, talk = builder(near)
        assert build.step_image()
        errors = []
        for broken in (
            {"SEALIFT_MIRROR": url.format("m.example/none")},
            {"SEALIFT_MIRROR": "http://pilot:Hush4711@m.example:port/debian"},
            {"SEALIFT_KEYRING": str(stranger)},
            {"SEALIFT_OFFLINE": "1"},
            {"UV_DEFAULT_INDEX": url.format("i.example/none?token=Hush4711")},
            {"UV_DEFAULT_INDEX": url.format("gone.example")},
            {"HTTP_PROXY": url.format(f"127.0.0.1:{free_port()}")},
            {"ALL_PROXY": "socks5://pilot:Hush4711@127.0.0.1:1"},
        ):
            _set(monkeypatch, {"SEALIFT_OFFLINE": "", "SEALIFT_KEYRING": keys, **ways, **broken})
            with pytest.raises(SealiftError) as caught:
                builder(near)[0].lock(refresh=True)
            errors.append(f"{caught.value!r} {caught.value}")

    files = [path for path in near.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if b"Hush4711" in path.read_bytes()]
    assert "Hush4711" not in " ".join(talk.said)
    assert not [one for one in errors if "Hush4711" in one]
