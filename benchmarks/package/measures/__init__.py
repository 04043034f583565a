"""The measures of the packager, one group a module: ``measure(field)`` gives its results."""
