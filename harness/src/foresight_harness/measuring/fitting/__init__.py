"""Fitting what lies between frozen encoder and frozen decoder, from fixed recipes.

Recipes are in ``recipe`` and ``recipes``; nothing is imported here, so that plans stay free of torch.
"""
