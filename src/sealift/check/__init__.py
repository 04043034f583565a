"""The fourth stage: an image is started and proves itself; the report is signed."""
