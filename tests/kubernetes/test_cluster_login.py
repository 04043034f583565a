"""How one gets into a cluster: contexts, tokens, plugins, certificates, and what goes wrong."""

import base64
import datetime as dt
import ssl

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.adapters.clusters.login import login
from sealift.errors import AwayError, ClusterError, MachineError
from sealift.network.network import Network
from sealift.testing.cluster_server import ClusterServer
from sealift.testing.cluster_suite import MAP


@pytest.fixture
def server():
    """An API in memory."""
    with ClusterServer("models") as made:
        yield made


def asked(monkeypatch, path, context=""):
    """Whether the cluster of a kubeconfig answers."""
    monkeypatch.setenv("KUBECONFIG", str(path))
    with KubernetesCluster(context, Network()) as cluster:
        return cluster.find(MAP, "models", {}).items == ()


def test_a_token_may_lie_in_a_file_that_changes(server, tmp_path, monkeypatch):
    """A relative path is one beside the kubeconfig; after a refusal it is read again."""
    (tmp_path / "token").write_text("open-sesame\n")
    path = server.kubeconfig(tmp_path / "config", tokenFile="token")
    monkeypatch.setenv("KUBECONFIG", str(path))
    with KubernetesCluster("", Network()) as cluster:
        cluster.find(MAP, "models", {})
        server.token = "renewed"
        (tmp_path / "token").write_text("renewed")
        assert cluster.find(MAP, "models", {}).items == ()


PLUGIN = """\
#!/bin/sh
test "$TENANT" = "$1" || { echo "no such tenant" >&2; exit 3; }
case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 4;; esac
echo run >> "$(dirname "$0")/runs"
cat "$(dirname "$0")/credential"
"""


def plugged(server, folder, tenant="web"):
    """A kubeconfig with an exec plugin that says what lies beside it."""
    (folder / "login").write_text(PLUGIN)
    (folder / "login").chmod(0o755)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./login",
        "args": ["web"],
        "env": [{"name": "TENANT", "value": tenant}],
        "installHint": "Install the tool.",
    }
    return server.kubeconfig(folder / "config", exec=plugin)


def test_a_plugin_logs_in_once_until_its_token_ends(server, tmp_path, monkeypatch):
    """After a refusal it is asked again."""
    credential = tmp_path / "credential"
    credential.write_text('{"kind": "ExecCredential", "status": {"token": "open-sesame"}}')
    monkeypatch.setenv("KUBECONFIG", str(plugged(server, tmp_path)))
    with KubernetesCluster("", Network()) as cluster:
        for _ in range(3):
            cluster.find(MAP, "models", {})
        once = (tmp_path / "runs").read_text().split()
        server.token = "new"
        credential.write_text('{"status": {"token": "new"}}')
        cluster.find(MAP, "models", {})

    assert len(set(once)) == 1
    assert len((tmp_path / "runs").read_text().split()) == len(once) + 1


def test_a_plugin_that_fails_says_why(server, tmp_path, monkeypatch):
    """With its own last line and the hint of the kubeconfig."""
    with pytest.raises(ClusterError, match="status 3: no such tenant") as caught:
        asked(monkeypatch, plugged(server, tmp_path, "other"))
    assert caught.value.remedy == "Install the tool."

    (tmp_path / "credential").write_text("hello")
    with pytest.raises(ClusterError, match="no credentials"):
        asked(monkeypatch, plugged(server, tmp_path))


def test_contexts_are_found_over_several_files(server, tmp_path, monkeypatch):
    """The first file with a name counts; an unknown one is told what there is."""
    path = server.kubeconfig(tmp_path / "b")
    (tmp_path / "a").write_text("contexts: []\n")

    assert asked(monkeypatch, f"{tmp_path / 'a'}:{path}:{tmp_path / 'absent'}", "test")
    with pytest.raises(MachineError, match="no context 'prod'") as caught:
        asked(monkeypatch, path, "prod")
    assert "test" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("kind: Config\n", "no current context"),
        ("[1]\n", "no current context"),
    ],
)
def test_a_kubeconfig_that_is_none_is_named(tmp_path, text, message):
    """Whatever is wrong with it."""
    (tmp_path / "config").write_text(text)
    with pytest.raises(MachineError, match=message):
        login("", {"KUBECONFIG": str(tmp_path / "config")})


def test_a_pod_has_an_account_of_its_own(tmp_path):
    """Where there is no kubeconfig and none is asked for."""
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_text("ca")
    env = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    found = login("", env, tmp_path)

    assert (found.server, found.authority) == ("https://10.0.0.1:443", b"ca")
    with pytest.raises(MachineError, match="no kubeconfig"):
        login("prod", env, tmp_path)


def certificate(folder, name, signer=None):
    """A certificate for the loopback address and its key, in one file; who could sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, by = signer or (subject, key)
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(by, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    secret = key.private_bytes(
        form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(form))
    (folder / f"{name}.key").write_bytes(secret)
    return subject, key


def test_certificates_prove_both_sides(tmp_path, monkeypatch):
    """The cluster's, by its authority's; and the client's, without which it is not let in."""
    authority = certificate(tmp_path, "ca")
    certificate(tmp_path, "server", authority)
    certificate(tmp_path, "client", authority)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.crt"))
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    with ClusterServer("models", tls=tls) as server:
        pair = {"client-certificate": "client.crt", "client-key": "client.key"}
        path = server.kubeconfig(tmp_path / "config", token=server.token, **pair)
        whole = yaml.safe_load(path.read_text())
        cluster = whole["clusters"][0]["cluster"]

        def tried(**changes):
            whole["clusters"][0]["cluster"] = {**cluster, **changes}
            path.write_text(yaml.safe_dump(whole))
            return asked(monkeypatch, path)

        pem = base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()
        named = {"tls-server-name": "localhost"}
        assert tried(**{"certificate-authority-data": pem, **named})
        assert tried(**{"insecure-skip-tls-verify": True})
        with pytest.raises(AwayError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            tried()
        assert "authority" in caught.value.remedy
        with pytest.raises(AwayError, match="CERTIFICATE_VERIFY_FAILED"):
            tried(**{"certificate-authority-data": pem})
        del whole["users"][0]["user"]["client-certificate"]
        with pytest.raises(AwayError):
            tried(**{"certificate-authority-data": pem, **named})
