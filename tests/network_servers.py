"""A company's network on the loopback: a proxy, servers with certificates of its own authority."""

import base64
import contextlib
import datetime as dt
import functools
import http.client
import ipaddress
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("UV_OFFLINE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "SEALIFT_OFFLINE"),
    *("SEALIFT_MIRROR", "SEALIFT_SECURITY_MIRROR", "SEALIFT_SNAPSHOT", "SEALIFT_KEYRING"),
)


def forget(monkeypatch):
    """Take away whatever the environment of the tests says of the network."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NETRC", "/dev/null")


class Company:
    """An authority of one's own: ``ca`` is its certificate's file."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign("company", self._key.public_key(), ca=True)
        self.ca.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def tls(self, *names):
        """The context of a server with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._sign(names[0], key.public_key(), names=names)
        path = self.folder / f"{names[0]}.pem"
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        pem = serialization.Encoding.PEM
        path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, name, key, *, ca=False, names=()):
        now = dt.datetime.now(tz=dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if ca else self._certificate.subject
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=ca)
        )
        if names:
            san = x509.SubjectAlternativeName([_name(one) for one in names])
            made = made.add_extension(san, critical=False)
        return made.sign(self._key, hashes.SHA256())


def _name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class _Calm(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that goes away is nothing to speak of."""


class _Server:
    """A server in a thread; a context manager. ``seen`` are the first lines of its requests."""

    def __init__(self, handler, tls=None):
        self.seen = []
        self._server = _Calm(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.owner = self
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Files(_Server):
    """The files of a folder by HTTP, or HTTPS; ``login`` (name, password) is demanded if set."""

    def __init__(self, folder, *, tls=None, login=None):
        super().__init__(functools.partial(_FileHandler, directory=str(folder)), tls)
        self.login = login

    @property
    def url(self):
        """Its address by plain HTTP."""
        return f"http://127.0.0.1:{self.port}"


class Proxy(_Server):
    """A proxy that leads ``routes`` (host: port of the loopback) and refuses all else.

    ``answer`` is a status to refuse everything with; ``login`` is demanded if set.
    """

    def __init__(self, routes, *, answer=None, login=None, tls=None):
        super().__init__(_ProxyHandler, tls)
        self.routes, self.answer, self.login = routes, answer, login

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hosts(self):
        """Whom it was asked to lead to."""
        return {line.split()[1].split("/")[2 * ("//" in line)].split(":")[0] for line in self.seen}


class _Quiet:
    def log_message(self, *_):
        """Say nothing."""

    def admitted(self, header, status, demand):
        """Whether the login is right, or none is wanted; else the answer is given."""
        owner = self.server.owner
        owner.seen.append(self.requestline)
        if owner.login:
            wanted = base64.b64encode(":".join(owner.login).encode()).decode()
            if self.headers.get(header) != f"Basic {wanted}":
                self.send_response(status)
                self.send_header(demand, 'Basic realm="company"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False
        return True


class _FileHandler(_Quiet, SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """A file of the folder."""
        if self.admitted("Authorization", 401, "WWW-Authenticate"):
            super().do_GET()


class _ProxyHandler(_Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _refused(self):
        if not self.admitted("Proxy-Authorization", 407, "Proxy-Authenticate"):
            return True
        if status := self.server.owner.answer:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return bool(status)

    def do_CONNECT(self):
        """A tunnel."""
        if self._refused():
            return
        port = self.server.owner.routes.get(self.path.rpartition(":")[0])
        if port is None:
            self.send_error(502)
            return
        with socket.create_connection(("127.0.0.1", port)) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(far, self.connection), daemon=True)
            back.start()
            _carry(self.connection, far)
            back.join(5)
        self.close_connection = True

    def do_GET(self):
        """A request by plain HTTP, handed on."""
        if self._refused():
            return
        url = urlsplit(self.path)
        port = self.server.owner.routes.get(url.hostname)
        if port is None:
            self.send_error(502)
            return
        far = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asked = {name: self.headers[name] for name in ("Authorization",) if name in self.headers}
        far.request("GET", url.path, headers=asked)
        answer = far.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "WWW-Authenticate"):
            if value := answer.headers.get(name):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        far.close()


def _carry(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


__all__ = ["Company", "Files", "Proxy", "forget"]
