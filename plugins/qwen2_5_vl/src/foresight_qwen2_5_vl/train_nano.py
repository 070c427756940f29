"""Train a nano twin of Qwen2.5-VL: one command, seeded, resumable.

    python -m foresight_qwen2_5_vl.train_nano --objective what|where|sham --seed N -o FOLDER

The real class, initialised by the plugin's own building code. Interrupted, it goes on when started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.parts.weights.seeding import fill_parameters
from foresight_vlm_kit.nano import command
from foresight_vlm_kit.nano.pictures import WHOLE_CELLS
from foresight_vlm_kit.nano.words import END
from foresight_vlm_kit.origin import origin_of
from safetensors.torch import load_file
from torch import Tensor, nn

from foresight_qwen2_5_vl.cheap_stills import cheap_stills
from foresight_qwen2_5_vl.parts import library_model
from foresight_qwen2_5_vl.preprocessing import normalise, patchify
from foresight_qwen2_5_vl.presets import NANO, Size


class QwenFamily:
    """Qwen2.5-VL for ``foresight_vlm_kit.nano.command``."""

    name = "qwen2_5_vl_nano"

    def __init__(self, preset: Size = NANO[0]) -> None:
        """``preset`` gives the configuration, which all nano sizes share."""
        self._preset = preset

    def start(self, seed: int) -> nn.Module:
        """See ``command.Family``: equal to the encoder with random weights of that seed."""
        model = self._whole(BuildRequest(weights="random", seed=seed))
        fill_parameters(model.get_submodule("lm_head"), seed, "lm_head")
        return model

    def load(self, folder: Path) -> nn.Module:
        """See ``command.Family``."""
        model = self._whole(BuildRequest(weights="nano", source=str(folder)))
        with torch.no_grad():
            model.get_parameter("lm_head.weight").copy_(load_file(folder / command.WEIGHTS)["lm_head.weight"])
        return model

    def published(self, model: nn.Module) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
        """See ``command.Family``."""

        def name_of(name: str) -> str:
            return (
                name.removeprefix("model.") if ".visual." in name else name.replace("model.language_model.", "model.")
            )

        return {name_of(name): tensor for name, tensor in model.state_dict().items()}, self._preset.config

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """See ``loop.Reader``; the sequence is prompt, picture, end of picture, caption."""
        whole: Any = model
        config = whole.config
        vision = config.vision_config
        patches, grid = patchify(
            pixels.unsqueeze(1), patch=vision.patch_size, merge=vision.spatial_merge_size, slot_frames=1
        )
        rows, cols = (side // vision.spatial_merge_size for side in grid[1:])
        prompt = self._preset.prompt_ids
        before = [*prompt, *[config.image_token_id] * (rows * cols), config.vision_end_token_id]
        # Text after a caption's end changes nothing before it: attention is causal.
        ids = torch.cat([torch.tensor(before).expand(len(words), -1), words[:, :-1].clamp(min=END)], dim=1)
        sizes = torch.tensor([grid]).expand(len(words), -1)
        with cheap_stills(whole.model.visual):
            states = whole.model(
                input_ids=ids,
                pixel_values=normalise(patches),
                image_grid_thw=sizes,
                mm_token_type_ids=(ids == config.image_token_id).int(),
                position_ids=positions_of(len(prompt), (rows, cols), words.shape[1], corners, len(words)),
                use_cache=False,
            ).last_hidden_state
        scores: Tensor = whole.lm_head(states[:, len(before) - 1 :])
        return scores

    def _whole(self, request: BuildRequest) -> nn.Module:
        from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

        origin = origin_of(self._preset, request, model_types=["qwen2_5_vl"], expected="Qwen2.5-VL")
        parts = library_model(self._preset, origin)
        whole: Any = Qwen2_5_VLForConditionalGeneration
        with torch.random.fork_rng(devices=[]):
            built: nn.Module = whole(parts.config)
        model: Any = built
        depth = parts.config.text_config.num_hidden_layers
        model.model.visual = parts.build_tower()
        model.model.language_model = parts.build_language(depth, self._preset.prompt_ids).language_model
        return built


def positions_of(prompt: int, cells: tuple[int, int], caption: int, corners: Tensor | None, batch: int) -> Tensor:
    """Time, row and column of every token, as the class itself numbers those of a whole picture.

    Args:
        prompt: Tokens before the picture.
        cells: Rows and columns of the picture's tokens.
        caption: Words of the longest caption; the last one is not read, the end of the picture is.
        corners: Row and column of each close-up's first cell in its whole picture. [B, 2]
        batch: Sequences.

    Returns:
        [3, B, L] int64
    """
    rows, cols = torch.meshgrid(*(torch.arange(side) for side in cells), indexing="ij")
    places = torch.stack([torch.zeros_like(rows), rows, cols]).flatten(1).unsqueeze(1).repeat(1, batch, 1)
    side = max(cells)
    if corners is not None:
        places[1:] += corners.T.unsqueeze(2)
        side = WHOLE_CELLS
    told = torch.cat([torch.arange(prompt), prompt + side + torch.arange(caption)]).expand(3, batch, -1)
    return torch.cat([told[..., :prompt], prompt + places, told[..., prompt:]], dim=2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return command.main(QwenFamily(), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
