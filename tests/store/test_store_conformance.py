"""Every store passes the suite for stores."""

from sealift.adapters.stores.layout import Layout
from sealift.testing.store import MemoryStore
from sealift.testing.store_suite import StoreSuite


class TestLayout(StoreSuite):
    """The OCI layout on disk."""

    def store(self, folder):
        """A layout."""
        return Layout(folder / "layout", folder / "unpacked")


class TestMemoryStore(StoreSuite):
    """The store in memory."""

    def store(self, folder):
        """A store in memory."""
        return MemoryStore(folder)
