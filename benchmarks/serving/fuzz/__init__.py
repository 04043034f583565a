"""Millions of damaged requests: over the wire, and into the server's code with its coverage seen.

``make campaign NAME=serving-fuzz``.
"""
