"""Tables as Arrow's interprocess format carries them: streams of record batches."""
