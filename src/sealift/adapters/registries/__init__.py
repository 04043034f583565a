"""Registries: images and artifacts over the network (OCI distribution-spec 1.1)."""
