"""The steps of a project as a picture."""
