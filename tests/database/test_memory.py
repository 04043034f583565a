"""The databases in memory behave as the real ones."""

from sealift.testing.ledger import MemoryLedger, MemoryObservations
from sealift.testing.ledger_suite import LedgerSuite, ObservationsSuite


class TestMemoryLedger(LedgerSuite):
    def ledger(self, folder):
        """One for each test."""
        return MemoryLedger()


class TestMemoryObservations(ObservationsSuite):
    def observations(self, folder):
        """One for each test."""
        return MemoryObservations()
