"""Training of ``ltx_video_nano_16px``, whose round trip is to be a ceiling. The plugin does not import it."""
