"""How much is measured at each ``--scale``: the sizes are part of every protocol."""

from __future__ import annotations

from dataclasses import dataclass

from foresight_harness.contracts.errors import UsageError


@dataclass(frozen=True)
class Scale:
    """Sizes of one scale."""

    name: str
    train: int
    """Pictures that probes, adapters and modules are fitted on."""
    test: int
    """Pictures that are scored."""
    pictures: int
    """Test pictures that are decoded in the reconstruction suite."""
    canvas_px: int
    """Side of the square that every picture is brought to."""
    steps: int
    """Optimiser steps of trained parts."""
    batch: int
    """Pictures of one optimiser step."""
    seeds: int
    """Seeds of trained parts, where ``--seeds`` does not say."""
    rounds: int
    """Repeats of a latency measurement."""
    permutations: int
    """Permutations of the CKA null."""
    clips_train: int = 40
    """Clips that probes, adapters and modules are fitted on, of data sets of clips."""
    clips_test: int = 40
    """Clips that are scored."""
    clip_px: int = 64
    """Side of the square that every frame of a clip is brought to."""
    frames: int = 9
    """Frames of a clip: 8k+1."""
    resamples: int = 2000
    """Bootstrap resamples of an interval."""


SCALES = {
    scale.name: scale
    for scale in (
        Scale("smoke", 128, 96, 8, 128, steps=25, batch=32, seeds=1, rounds=20, permutations=10),
        Scale(
            "small",
            512,
            512,
            128,
            224,
            steps=200,
            batch=64,
            seeds=3,
            rounds=50,
            permutations=100,
            clips_train=256,
            clips_test=256,
            clip_px=128,
        ),
        Scale(
            "full",
            2000,
            1000,
            500,
            448,
            steps=1000,
            batch=64,
            seeds=3,
            rounds=100,
            permutations=200,
            clips_train=1000,
            clips_test=500,
            clip_px=224,
        ),
    )
}

DEFAULT_SCALE = "smoke"
"""Where neither the command nor its matrix says."""


def scale_of(name: str) -> Scale:
    """The scale of that name. Raises: UsageError."""
    if name not in SCALES:
        raise UsageError(f"--scale {name}: unknown; choose one of {', '.join(SCALES)}")
    return SCALES[name]
