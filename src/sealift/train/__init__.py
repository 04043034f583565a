"""The second stage: steps in containers, cached by what decides their outputs."""
