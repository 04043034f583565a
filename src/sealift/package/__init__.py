"""The third stage: images and model artifacts, built without a daemon, byte for byte."""
