"""The programs of the porter, which brings inputs to a step in a cluster and outputs from it."""
