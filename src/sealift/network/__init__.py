"""The way out of this machine: proxies, trust, indexes, mirrors, or none at all."""
