"""The sixth stage: what moved, how much, since when."""
