"""Clusters: the API of Kubernetes over HTTP."""
