"""A project as its user has it: a folder, the command line, and requests to the service."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx


class ProjectOnDisk:
    """Runs ``sealift`` in a folder, as a user would."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """A command to its end; its exit status must be the one that is expected."""
        done = subprocess.run(
            [sys.executable, "-m", "sealift", *words],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == status, (
            f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def answer(self, *words: str):
        """What a command answers, as data."""
        return json.loads(self.run(*words, "--json").stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command in the background."""
        return subprocess.Popen(
            [sys.executable, "-m", "sealift", *words],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def build(self, *params: str) -> int:
        """Train, package and check a model; its version."""
        words = [word for param in params for word in ("-p", param)]
        version = self.answer("train", *words)["model"]["version"]
        self.run("package", "--model", str(version))
        self.run("check", "--model", str(version))
        return version


class Traffic(threading.Thread):
    """Sends rows to a service until it is told to stop, and counts what comes back.

    A truth that is known for a row is handed in as the label of its prediction.
    """

    def __init__(self, running, rows, truths=None, *, pause: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.address, self.api = running["address"], running["api"]
        self.token = Path(running["token"]).read_text().strip()
        self.rows, self.truths, self.pause = rows, truths, pause
        self.statuses: Counter[int] = Counter()
        self.versions: Counter[str] = Counter()
        self.prefix = f"{time.time_ns():x}"
        self.ended = threading.Event()

    def run(self) -> None:
        """Send until told to stop."""
        with httpx.Client(timeout=30) as client:
            labels = []
            number = 0
            while not self.ended.is_set():
                index = number % len(self.rows)
                identifier = f"{self.prefix}-{number}"
                self.send(client, identifier, self.rows[index])
                if self.truths is not None:
                    labels.append({"id": identifier, "value": self.truths[index]})
                if len(labels) >= 200:
                    self.hand_in(client, labels)
                    labels = []
                number += 1
                time.sleep(self.pause)
            self.hand_in(client, labels)

    def send(self, client, identifier, row) -> None:
        """One request; no answer counts as status 0."""
        try:
            answer = client.post(f"{self.address}/predict", json={"id": identifier, "rows": [row]})
        except httpx.HTTPError:
            self.statuses[0] += 1
            return
        self.statuses[answer.status_code] += 1
        self.versions[answer.headers.get("X-Sealift-Version", "none")] += 1

    def hand_in(self, client, labels) -> None:
        """What turned out to be true."""
        if labels:
            answer = client.post(
                f"{self.api}/v1/labels",
                json={"labels": labels},
                headers={"Authorization": f"Bearer {self.token}"},
            )
            assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        """End, and wait for the last answer."""
        self.ended.set()
        self.join(timeout=60)

    @property
    def failed(self) -> int:
        """Requests without the answer 200."""
        return sum(self.statuses.values()) - self.statuses[200]
