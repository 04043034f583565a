"""One object says which way leads where, whom to trust and which index to ask."""

import ssl
from pathlib import Path

import httpx
import pytest

from network_servers import Company
from sealift.errors import MachineError, OfflineError, ProjectError
from sealift.network import indexes, trust
from sealift.network.network import Network
from sealift.network.proxies import covers
from sealift.record.network import NetworkSettings
from sealift.record.parse import parse


@pytest.mark.parametrize(
    ("entry", "host", "port", "direct"),
    [
        ("*", "any.example", 443, True),
        ("corp.example", "corp.example", 443, True),
        ("corp.example", "a.b.corp.example", 443, True),
        (".corp.example", "a.corp.example", 443, True),
        ("*.corp.example", "a.corp.example", 443, True),
        ("corp.example", "notcorp.example", 443, False),
        ("Corp.Example", "CORP.example", 443, True),
        ("corp.example:8080", "corp.example", 8080, True),
        ("corp.example:8080", "corp.example", 443, False),
        ("10.0.0.0/8", "10.20.30.40", 443, True),
        ("10.0.0.0/8", "11.0.0.1", 443, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "10.example", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("[fd12::1]:8080", "[fd12::1]", 8080, True),
        ("::1", "10.0.0.1", 80, False),
        ("", "any.example", 80, False),
    ],
)
def test_entries_of_no_proxy_mean_what_they_mean_to_curl_and_uv(entry, host, port, direct):
    """Hosts with all below them, addresses, networks, each with a port or without."""
    assert covers([entry] if entry else [], host, port) is direct


def proxied(url, settings=None, **environment):
    """The proxy to an address."""
    network = Network(settings or NetworkSettings(), environment=environment)
    return network.proxies.of(httpx.URL(url))


def test_each_scheme_has_its_variable_and_all_proxy_stands_in():
    """In lower case too, which wins, as in curl."""
    one = {"HTTPS_PROXY": "http://s:1", "ALL_PROXY": "http://a:1"}

    assert proxied("https://x.example", **one) == "http://s:1"
    assert proxied("http://x.example", **one) == "http://a:1"
    assert proxied("https://x.example", https_proxy="low:1", **one) == "http://low:1"
    assert proxied("https://x.example", NO_PROXY="b.example, x.example", **one) == ""
    assert proxied("https://127.0.0.1:5000/", **one) == ""
    assert proxied("https://x.example") == ""


def test_the_proxy_of_the_project_wins_and_keeps_the_machines_exceptions():
    """Unless it has exceptions of its own."""
    given = {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "x.example"}
    settings = NetworkSettings(proxy="http://mine:1")

    assert proxied("http://y.example", settings, **given) == "http://mine:1"
    assert proxied("https://x.example", settings, **given) == ""
    own = NetworkSettings(proxy="http://mine:1", no_proxy=["y.example"])
    assert proxied("https://x.example", own, **given) == "http://mine:1"
    assert proxied("https://x.example", NetworkSettings(no_proxy=["*"]), **given) == ""


def test_a_child_gets_the_proxies_and_no_others(tmp_path):
    """Under both spellings, with this machine among the exceptions."""
    settings = NetworkSettings(proxy="http://mine:1", no_proxy=["x.example"], offline=True)
    given = {"all_proxy": "http://other:1", "HTTP_PROXY": "http://other:1", "PATH": "/bin"}
    with Network(settings, environment=given).child() as child:
        assert child["PATH"] == "/bin"
        assert {child[name] for name in ("HTTPS_PROXY", "https_proxy", "http_proxy")} == {
            "http://mine:1"
        }
        assert child["NO_PROXY"] == child["no_proxy"] == "x.example,localhost,127.0.0.0/8,::1"
        assert "all_proxy" not in child
        assert child["UV_OFFLINE"] == "1"
    with Network(NetworkSettings(), environment={}).child() as child:
        assert set(child) == {"SSL_CERT_FILE"}


def count(pem):
    """How many certificates a text holds."""
    return pem.count("BEGIN CERTIFICATE")


def test_a_company_is_trusted_beside_the_usual_authorities(tmp_path):
    """By the settings or REQUESTS_CA_BUNDLE; a file in SSL_CERT_FILE stands alone."""
    ca = Company(tmp_path).ca
    usual = count(trust.authorities(None, {}))

    assert usual > 50
    assert count(trust.authorities(ca, {})) == usual + 1
    assert count(trust.authorities(None, {"REQUESTS_CA_BUNDLE": str(ca)})) == usual + 1
    assert count(trust.authorities(None, {"SSL_CERT_FILE": str(ca)})) == 1
    assert count(trust.authorities(None, {"SSL_CERT_DIR": f"/none:{tmp_path}"})) == 1
    assert count(trust.authorities(ca, {"SSL_CERT_FILE": str(ca)})) == 1


def test_the_certificates_of_a_child_are_gone_when_it_has_ended(tmp_path):
    """And are all that this process trusts."""
    network = Network(NetworkSettings(ca="ca.pem"), tmp_path, {})
    Company(tmp_path)
    with network.child() as child:
        bundle = Path(child["SSL_CERT_FILE"])
        assert bundle.read_text() == network.authorities
    assert not bundle.exists()


def test_an_authority_that_lacks_marks_is_still_one(tmp_path):
    """Many a company's does; what Python makes of it must not depend on its version."""
    context = trust.context(Company(tmp_path).ca.read_text())

    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


INDEX = "https://index.example/simple"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function from files to the variables that uv gets on such a machine."""
    monkeypatch.chdir(tmp_path)

    def found(files, environment=(), index="", further=()):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        given = {"HOME": str(tmp_path / "home"), **dict(environment)}
        made = indexes.variables(index, further, given, tmp_path)
        return {name: text for name, text in made.items() if name.startswith("UV_")}

    return found


def test_pips_index_is_used_where_uv_was_told_of_none(machine):
    """The file of the user wins over that of the machine; a variable over both."""
    files = {
        "etc/pip.conf": "[global]\nindex-url = https://old.example/simple\n",
        "home/.config/pip/pip.conf": f"[global]\nindex-url = {INDEX}\nextra-index-url = x\n",
    }

    assert machine(files) == {"UV_DEFAULT_INDEX": INDEX}
    variables = {"PIP_INDEX_URL": "https://v.example", "PIP_EXTRA_INDEX_URL": "https://e.example"}
    assert machine(files, variables) == {
        "UV_DEFAULT_INDEX": "https://v.example",
        "UV_INDEX": "https://e.example",
    }
    assert machine(files, {"PIP_CONFIG_FILE": "/dev/null"}) == {}


@pytest.mark.parametrize(
    "files",
    [
        {"home/.config/uv/uv.toml": f'index-url = "{INDEX}"'},
        {"etc/uv/uv.toml": f'[[index]]\nurl = "{INDEX}"'},
        {"uv.toml": f'[pip]\nindex-url = "{INDEX}"'},
        {"pyproject.toml": f'[tool.uv]\nindex-url = "{INDEX}"'},
    ],
)
def test_what_uv_was_told_wins_over_pip(machine, files):
    """By its own variables and files."""
    pip = {"etc/pip.conf": "[global]\nindex-url = https://old.example/simple\n"}

    assert machine(pip | files) == {}
    assert machine(pip, {"UV_INDEX_URL": INDEX}) == {"UV_INDEX_URL": INDEX}


def test_the_index_of_the_project_wins_over_all(machine):
    """Also over the older names of the variables."""
    given = {"UV_INDEX_URL": "old", "UV_DEFAULT_INDEX": "old", "UV_EXTRA_INDEX_URL": "old"}

    made = machine(
        {"uv.toml": "= broken"}, given, INDEX, ["https://a.example", "https://b.example"]
    )

    assert made == {"UV_DEFAULT_INDEX": INDEX, "UV_INDEX": "https://a.example https://b.example"}


def test_offline_no_connection_is_tried(tmp_path):
    """Neither is a name looked up; this machine may still be asked."""
    network = Network(environment={"SEALIFT_OFFLINE": "true"})
    with network.client() as client, pytest.raises(OfflineError, match="switched off") as caught:
        client.get("http://u:p@mirror.example/x?token=1")

    assert caught.value.where == "http://***@mirror.example/x?***"
    assert network.reaches("file:///x")
    assert network.reaches("http://127.0.0.1:1/x")
    assert not network.reaches("https://mirror.example:port/x")
    assert not Network(environment={"SEALIFT_OFFLINE": "0"}).offline
    assert Network(environment={"UV_OFFLINE": "1"}).offline


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ('proxy = "http://me:Hush@proxy.example:1"', "HTTPS_PROXY"),
        ('proxy = "me:Hush@proxy.example:1"', "HTTPS_PROXY"),
        ('index = "https://Hush@index.example/simple"', "UV_DEFAULT_INDEX"),
        ('extra_indexes = ["https://a.example", "https://me:Hush@b.example"]', "UV_INDEX"),
        ('extra_indexes = ["corp=https://me:Hush@b.example"]', "UV_INDEX"),
        ('mirror = "https://me:Hush@mirror.example/debian"', "SEALIFT_MIRROR"),
        ('snapshot = "https://me:Hush@old.example"', "SEALIFT_SNAPSHOT"),
    ],
)
def test_a_password_in_the_project_file_is_refused(line, variable):
    """It would be in version control and in every record; the error does not repeat it."""
    with pytest.raises(ProjectError, match="name or a password") as caught:
        parse(f'name = "x"\n[network]\n{line}', where="sealift.toml")

    assert variable in caught.value.remedy
    assert "Hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [('[registry]\nca = "x"', "network.ca"), ('[image]\nmirror = "x"', "network.mirror")],
)
def test_keys_that_have_moved_are_answered_with_their_new_place(text, place):
    """They were in tables of their own."""
    with pytest.raises(ProjectError) as caught:
        parse(f'name = "x"\n{text}', where="sealift.toml")

    assert place in caught.value.remedy


def test_a_bad_proxy_is_said_without_its_password():
    """Where the setting is, and what it has to be."""
    network = Network(environment={"HTTPS_PROXY": "socks5://me:Hush@proxy.example"})

    with pytest.raises(MachineError, match="http://HOST:PORT") as caught:
        network.client()

    assert "Hush" not in str(caught.value)
    assert "HTTPS_PROXY" in caught.value.remedy
