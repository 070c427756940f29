"""What a size of a detector is, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["owlvit", "owlv2", "detr", "grounding_dino"]
Resize = Literal["squash", "padded square", "shorter side"]
Colours = tuple[float, float, float]

IMAGENET: tuple[Colours, Colours] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP: tuple[Colours, Colours] = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
LICENSE = "Apache-2.0"
ATTENTION = ("eager", "sdpa")
BOXES = "boxes"
"""The tap of what is predicted."""


@dataclass(frozen=True)
class Size:
    """One configuration of a family."""

    name: str
    family: Family
    config: Mapping[str, Any]
    """Arguments of the library's configuration class."""
    params: int
    """Of what is built: parts that no tap reads are deleted before it runs, and do not count."""
    input_px: int
    repo: str | None = None

    @property
    def model_type(self) -> str:
        """As ``config.json`` says it."""
        return self.family.replace("_", "-")

    @property
    def is_tiny(self) -> bool:
        """Whether no weights of it are published."""
        return self.repo is None

    @property
    def is_owl(self) -> bool:
        """Whether it is a vision transformer whose every token predicts a box."""
        return self.family in ("owlvit", "owlv2")

    @property
    def resize(self) -> Resize:
        """How a picture becomes the network's input, as the family's published processor does it."""
        rules: Mapping[str, Resize] = {"owlvit": "squash", "owlv2": "padded square"}
        return rules.get(self.family, "shorter side")

    @property
    def step_px(self) -> int:
        """Both sides of the resized picture are multiples of it, so that no token covers half a picture."""
        return int(self.config["vision_config"]["patch_size"]) if self.is_owl else 32

    @property
    def colours(self) -> tuple[Colours, Colours]:
        """Mean and standard deviation."""
        return CLIP if self.is_owl else IMAGENET

    @property
    def interpolation(self) -> str:
        """Of the published processor: OWL-ViT's is bicubic, the others' bilinear."""
        return "bicubic" if self.family == "owlvit" else "bilinear"

    @property
    def boxes_px(self) -> int:
        """Side of a cell that predicted boxes are drawn on, in pixels of the network's input."""
        return self.step_px if self.is_owl else 16

    @property
    def scored_by(self) -> str:
        """What the score of a predicted box is."""
        return {
            "owlvit": "greatest probability over fixed prompts (foresight_detectors.prompts)",
            "owlv2": "objectness head, no text",
            "detr": "1 - probability of no object",
            "grounding_dino": "greatest probability over tokens of a fixed text (foresight_detectors.grounding_text)",
        }[self.family]

    @property
    def preprocessing(self) -> dict[str, Any]:
        """Of the spec: in the cache key and in reports."""
        mean, std = self.colours
        return {
            "resize": self.resize.replace(" ", "_"),
            "crop": "none",
            "multiple_px": self.step_px,
            "interpolation": self.interpolation,
            "antialias": True,
            "mean": mean,
            "std": std,
        }
