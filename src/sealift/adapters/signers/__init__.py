"""Signers."""
