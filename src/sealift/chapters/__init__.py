"""The chapters of the story: what a command does, from a project folder to its records."""
