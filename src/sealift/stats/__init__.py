"""Pure mathematics: evidence that may be looked at at any time, drift, mergeable sketches."""
