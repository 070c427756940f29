"""Training of ``ltx_video_nano``: the real class, small enough for two cores. The plugin does not import it."""
