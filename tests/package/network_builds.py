"""Builders of small projects with settings of the network."""

from compilers import compiling

from sealift.adapters.stores.layout import Layout
from sealift.folders import Folders
from sealift.package.builder import Builder
from sealift.record.network import NetworkSettings
from sealift.record.project import Project


class Talk:
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def step(self, name, status):
        """A piece of work."""
        self.said.append(f"{name} {status}")

    def say(self, text):
        """A line."""
        self.said.append(text)


def builder(root, **settings):
    """A builder of the project in a folder, and what it says."""
    folders, talk = Folders(root), Talk()
    store = Layout(folders.layout, folders.unpacked)
    project = Project(name="flights", network=NetworkSettings(**settings))
    return Builder(project, folders, store, talk, compiling), talk
