"""Data sets: generated, shipped with the libraries in use, or a folder of the user's. ``specs`` is what is offered."""
