"""Nano sizes asked about pictures; see ``foresight_vlm_kit.consistency``."""

from __future__ import annotations

from foresight_harness import BuildRequest
from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.nano_speaker import nano_answerer

from foresight_llava_next.presets import Size
from foresight_llava_next.train_nano import LlavaNextFamily


def build_answerer(preset: Size, request: BuildRequest) -> Answerer:
    """A size that can be asked in the words of nano captions. Raises: UsageError, CheckpointError."""
    return nano_answerer(LlavaNextFamily(preset), preset, request)
