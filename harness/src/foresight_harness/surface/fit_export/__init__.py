"""Fits as products: modules, weights, card and loader in a folder that runs without the harness."""
