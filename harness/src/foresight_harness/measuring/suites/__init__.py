"""Suites: what a candidate is scored on. Each is one module with one function from a cell to measurements.

Specs are in ``specs``; nothing is imported here, so that plans stay free of torch.
"""
