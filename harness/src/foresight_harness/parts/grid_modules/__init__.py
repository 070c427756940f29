"""Built-in parts between encoder and decoder, from token grids to token grids.

Specs are in ``specs``; nothing is imported here, so that plans stay free of torch.
"""
