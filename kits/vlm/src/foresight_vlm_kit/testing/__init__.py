"""Tests that plugins of vision-language models subclass, beside the harness's conformance kit."""

from __future__ import annotations

from foresight_vlm_kit.testing.checkpoints import BlueprintCheckpoints, CheckpointConformance, write_checkpoint
from foresight_vlm_kit.testing.encoders import VlmConformance, one_thread

__all__ = ["BlueprintCheckpoints", "CheckpointConformance", "VlmConformance", "one_thread", "write_checkpoint"]
