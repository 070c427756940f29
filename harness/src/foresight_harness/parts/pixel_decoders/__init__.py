"""Pixel decoders: latent spaces that are pictures themselves, so that reconstruction needs no weights."""
