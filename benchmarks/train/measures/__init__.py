"""The measures of training, one group a module: ``measure(field)`` gives its results."""
