"""Metrics: pure functions of tensors, one value per sample wherever a sample has one. Importing this needs no torch."""
