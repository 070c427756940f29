"""Train the autoencoder ``ltx_video_nano`` and write it in the published layout: one command, seeded, resumable.

    .venv/bin/python plugins/ltx_video/train_nano.py

Interrupted, it goes on from ``--work`` when started again.
"""

from foresight_ltx_video.nano.command import main

if __name__ == "__main__":
    raise SystemExit(main())
