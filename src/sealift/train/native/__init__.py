"""Runs inside a container of the step image: from a model of another framework to ONNX.

Here are the user's packages, and nothing of Sealift's but this folder: its modules import the
standard library, one another, and what the user's requirements hold. The model's file is loaded
nowhere else.
"""
