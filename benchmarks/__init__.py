"""Measurements beside rivals, in the same run: `make bench STAGE=package`.

A stage is a folder here: its measures, its rivals with their locks, its method in words, and its
results, from which a page of the docs is made.
"""
