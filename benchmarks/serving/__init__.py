"""The model server beside its rivals: ``make bench STAGE=serving``."""
