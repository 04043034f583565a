"""Content stores."""
