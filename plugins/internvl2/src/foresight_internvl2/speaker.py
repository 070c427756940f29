"""Nano sizes asked about pictures; see ``foresight_vlm_kit.consistency``."""

from __future__ import annotations

from foresight_harness import BuildRequest
from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.nano_speaker import nano_answerer

from foresight_internvl2.presets import Size
from foresight_internvl2.train_nano import InternVL2Family


def build_answerer(preset: Size, request: BuildRequest) -> Answerer:
    """A size that can be asked in the words of nano captions. Raises: UsageError, CheckpointError."""
    return nano_answerer(InternVL2Family(preset), preset, request)
