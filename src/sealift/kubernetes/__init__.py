"""Sealift's services as objects of Kubernetes: pure functions from records to manifests."""
