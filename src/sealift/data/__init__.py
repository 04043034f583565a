"""The first stage: datasets where they lie, pinned by digest."""
