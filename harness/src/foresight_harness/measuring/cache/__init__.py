"""The content-addressed store of features, latents and decoded pictures.

Nothing is imported here: ``upkeep`` is asked by plans and by ``cache``, which wait for no torch.
"""
