"""Runs inside the image: the model server. It imports floors 0 to 2 only."""
