"""The registry and the tools of others, as programs."""

import base64
import json
import subprocess
import urllib.error
import urllib.request

from programs import needs
from sealift import clock, process
from sealift.adapters.registries.retry import Retry
from sealift.loopback import free_port

QUICK = Retry(attempts=4, first=0.001, longest=0.01, patience=2.0)
LOGIN = ("pilot", "pass:word")
# bcrypt, since the registry takes nothing else; of the password above, cost 4
HTPASSWD = "pilot:$2y$04$1K0BtVMNAQ6axOKgj0Jfa.y7FaKJzr8EQCM8dNm2yU7/Cr6kU1W.O\n"
CONFIGURATION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: of-this-test}}
{auth}
"""
AUTH = "auth: {{htpasswd: {{realm: tests, path: {path}}}}}"


def answers(child, port):
    """Whether the registry comes up on its port."""
    for _ in range(500):
        if child.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            clock.sleep(0.02)
    child.kill()
    child.wait()
    return False


def start(folder, *, login=False):
    """Start Debian's registry over a folder, with a login or without; the process and its host."""
    needs("docker-registry")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = AUTH.format(path=folder / "htpasswd") if login else ""
    for _ in range(5):
        port = free_port()
        text = CONFIGURATION.format(root=folder / "data", port=port, auth=auth)
        (folder / "config.yml").write_text(text)
        words = ["docker-registry", "serve", folder / "config.yml"]
        child = process.spawn(words, log=folder / "log")
        if answers(child, port):
            return child, f"127.0.0.1:{port}"
    raise AssertionError((folder / "log").read_text())


def run(*words, **kwargs):
    """A program's output; it has to succeed."""
    done = subprocess.run([str(one) for one in words], capture_output=True, check=False, **kwargs)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def write_login(home, host, user, password):
    """A file as docker's login writes it."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (home / ".docker").mkdir(parents=True, exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
