"""Train the autoencoder ``ltx_video_16px_nano`` and write it in the published layout: one command, seeded, resumable.

    .venv/bin/foresight-bench weights fetch lpips_alex
    .venv/bin/python plugins/ltx_video/train_ceiling.py

Interrupted, it goes on from ``--work`` when started again.
"""

from foresight_ltx_video.ceiling.command import main

if __name__ == "__main__":
    raise SystemExit(main())
