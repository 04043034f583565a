"""Groups of measures; each starts the servers that it needs, and gives results."""
