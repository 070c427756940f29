"""Train a small transformer on latents of ``ltx_video_nano``: one command, seeded, resumable.

    .venv/bin/python plugins/ltx_video/train_nano_transformer.py

Its pipeline folder goes to ``runs/train_nano_transformer/checkpoint``; ``benchmarks/studies/nano_transformer.py`` says
whether it matters. Interrupted, it goes on from ``--work`` when started again.
"""

from foresight_ltx_video.nano.flow_command import main

if __name__ == "__main__":
    raise SystemExit(main())
