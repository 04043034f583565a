"""A project with an environment, and a version in its ledger as `sealift package` leaves it."""

from sealift.testing.ledger_suite import image, model
from sealift.types import Digest
from sealift.wiring import Wired

PROJECT = """\
name = "delays"

[environments.production]
engine = "kubernetes"
namespace = "models"
registry = "registry.example.com/team/delays"
gateway = { name = "public" }

[release]
strategy = "blue-green"
"""
IMAGE = Digest("sha256:" + "b" * 64)


def recorded(folder, text):
    """The project, wired; ``image`` is the digest of its one image."""
    (folder / "sealift.toml").write_text(text)
    wired = Wired(folder)
    wired.ledger.save(model(1))
    wired.ledger.save(image(IMAGE, platform="linux/amd64", model=1))
    wired.image = IMAGE
    return wired
