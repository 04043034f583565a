"""SQLite as a ledger and as a keeper of observations."""

from sealift.adapters.databases.sqlite import Sqlite
from sealift.testing.ledger_suite import LedgerSuite, ObservationsSuite


class TestSqliteLedger(LedgerSuite):
    def ledger(self, folder):
        """One for each test."""
        return Sqlite(folder / "new" / "ledger.db")


class TestSqliteObservations(ObservationsSuite):
    def observations(self, folder):
        """One for each test."""
        return Sqlite(folder / "ledger.db")
