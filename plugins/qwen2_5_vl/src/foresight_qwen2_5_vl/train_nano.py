"""Train a nano twin of Qwen2.5-VL: one command, seeded, resumable.

    python -m foresight_qwen2_5_vl.train_nano --objective what|where|sham --seed N -o FOLDER

The real class, initialised by the plugin's own building code. Interrupted, it goes on when started again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.parts.weights.seeding import fill_parameters
from foresight_vlm_kit.nano import command
from foresight_vlm_kit.nano.words import END
from foresight_vlm_kit.origin import origin_of
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

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

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor) -> Tensor:
        """See ``loop.Reader``; the sequence is prompt, picture, end of picture, caption."""
        whole: Any = model
        config = whole.config
        vision = config.vision_config
        patches, grid = patchify(
            pixels.unsqueeze(1), patch=vision.patch_size, merge=vision.spatial_merge_size, slot_frames=1
        )
        count = grid[1] * grid[2] // vision.spatial_merge_size**2
        before = [*self._preset.prompt_ids, *[config.image_token_id] * count, config.vision_end_token_id]
        # Text after a caption's end changes nothing before it: attention is causal.
        ids = torch.cat([torch.tensor(before).expand(len(words), -1), words[:, :-1].clamp(min=END)], dim=1)
        types = (ids[:1] == config.image_token_id).int()
        sizes = torch.tensor([grid])
        positions, _ = whole.model.get_rope_index(ids[:1], mm_token_type_ids=types, image_grid_thw=sizes)
        with cheap_stills(whole.model.visual):
            states = whole.model(
                input_ids=ids,
                pixel_values=normalise(patches),
                image_grid_thw=sizes.expand(len(words), -1),
                mm_token_type_ids=types.expand(len(words), -1),
                position_ids=positions.expand(-1, len(words), -1),
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


@contextmanager
def cheap_stills(tower: Any) -> Iterator[None]:
    """Within it patches of stills are projected once, not as two equal frames, and windows attended to together."""
    layers = [block.attn for block in tower.blocks]
    tower.patch_embed.forward = partial(_project, tower.patch_embed.proj)
    for layer in layers:
        layer.forward = partial(_attend, layer)
    try:
        yield
    finally:
        for module in (tower.patch_embed, *layers):
            del module.forward


def _project(projection: nn.Module, patches: Tensor) -> Tensor:
    """What a still gives that is shown in every frame of a slot. [S, 3 * patch * patch] -> [S, C]"""
    weight: Any = projection.weight
    return F.linear(patches, weight.sum(2).flatten(1))


def _attend(
    layer: Any, hidden_states: Tensor, cu_seqlens: Tensor, position_embeddings: tuple[Tensor, Tensor], **_: Any
) -> Tensor:
    """What the layer's own ``forward`` gives, up to rounding. [S, C] -> [S, C]"""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb_vision

    windows, length = len(cu_seqlens) - 1, len(hidden_states) // (len(cu_seqlens) - 1)
    parts = layer.qkv(hidden_states).view(len(hidden_states), 3, layer.num_heads, -1).permute(1, 0, 2, 3)
    turned: Any = apply_rotary_pos_emb_vision
    queries, keys = turned(parts[0], parts[1], *position_embeddings)
    query, key, value = (
        part.reshape(windows, length, layer.num_heads, -1).transpose(1, 2) for part in (queries, keys, parts[2])
    )
    attended = F.scaled_dot_product_attention(query, key, value, scale=layer.scaling)
    projected: Tensor = layer.proj(attended.transpose(1, 2).reshape(len(hidden_states), -1))
    return projected


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return command.main(QwenFamily(), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
