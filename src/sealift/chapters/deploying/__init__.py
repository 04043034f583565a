"""The chapter of clusters: a version is brought into service there, looked at, and removed."""
