"""Training of ``ltx_video_16px_nano``, whose round trip is to be a ceiling. The plugin does not import it."""
