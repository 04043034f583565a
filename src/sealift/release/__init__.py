"""The fifth stage: a new version takes over on evidence, or does not."""
