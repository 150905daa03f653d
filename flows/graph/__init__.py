"""The graph of stages: what the pipeline asks for becomes requests, and equal requests of several videos one node."""
