"""Training: what a step costs beside other runners of pipelines, and campaigns of faults."""
