"""Probes: small readouts of frozen features, each with a name and with everything that decides its number.

Specs are in ``specs``; nothing is imported here, so that plans stay free of torch.
"""
