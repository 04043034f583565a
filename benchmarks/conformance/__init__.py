"""Servers of the Open Inference Protocol, graded by the same rules."""
