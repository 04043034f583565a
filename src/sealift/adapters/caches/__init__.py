"""Caches of steps that a team shares."""
