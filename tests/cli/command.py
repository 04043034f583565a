"""The command line as a person meets it: words in; exit code, answer and talk out."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    code: int
    answer: str
    talk: str

    @property
    def value(self):
        """The answer as data: standard output holds JSON and nothing else."""
        return json.loads(self.answer)


@dataclass(frozen=True)
class Command:
    """Runs ``sealift`` in a folder."""

    folder: Path

    def __call__(self, *words, **environment):
        """Run it to its end; whatever happens, nobody sees a traceback."""
        done = self.start(*words, **environment)
        try:
            answer, talk = done.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            done.kill()
            raise
        assert "Traceback" not in answer + talk
        return Said(done.returncode, answer, talk)

    def start(self, *words, stdout=subprocess.PIPE, **environment):
        """Start it, as from a terminal: an interruption reaches it."""
        return subprocess.Popen(
            self.words(*words),
            cwd=self.folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def words(self, *words):
        """The whole command line."""
        return [sys.executable, "-m", "sealift", *words]

    def write(self, text):
        """Replace the project file."""
        (self.folder / "sealift.toml").write_text(text)
