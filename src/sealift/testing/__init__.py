"""Every port in memory with scripted faults, and the suites that adapters must pass."""
