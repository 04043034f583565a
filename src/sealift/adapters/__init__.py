"""The edges: one file a destination, found by name in ``table``."""
