"""Checkpoints: where they come from, what they must look like, and how their origin is recorded."""
