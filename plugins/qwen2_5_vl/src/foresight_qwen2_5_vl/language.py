"""Running the first blocks of the language model on vision tokens and reading its residual stream."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor

from foresight_qwen2_5_vl.presets import SECONDS_PER_SLOT

if TYPE_CHECKING:
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

TEXT, IMAGE, VIDEO = 0, 1, 2
"""``mm_token_type_ids``; without them the library falls back to one-dimensional positions and says nothing."""


class LanguageReader:
    """The library's multimodal model around the blocks that were built; it places vision tokens and their positions."""

    def __init__(
        self, config: Qwen2_5_VLConfig, language_model: Qwen2_5_VLTextModel, prompt_ids: Sequence[int]
    ) -> None:
        """Wrap ``language_model``; ``prompt_ids`` stand before the vision tokens."""
        from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

        shell: Any = deepcopy(config)
        shell.text_config.num_hidden_layers, shell.vision_config.depth = 1, 1
        with torch.device("meta"):
            self._model: Any = Qwen2_5_VLModel(shell)
        self._model.language_model = language_model
        self._model.visual = None
        self._config = config
        self._prompt = tuple(prompt_ids)
        self.language_model = language_model

    @property
    def depth(self) -> int:
        """Blocks that were built."""
        return len(self.language_model.layers)

    def read(
        self, merged: Tensor, batch: int, grid: tuple[int, int, int], depths: Sequence[int], *, video: bool
    ) -> dict[int, Tensor]:
        """Read the vision tokens after some numbers of blocks; blocks below the deepest one asked for do not run.

        The sequence ends with the last vision token: attention is causal, so text after it could not change them.

        Args:
            merged: What the tower gives, raster order. [B * T * H' * W', C]
            batch: Number of clips.
            grid: Temporal slots, rows and columns of patches (before merging) of one clip.
            depths: Numbers of blocks, at most ``depth``.
            video: Whether the clips are shown as video (time positions in seconds) or as pictures.

        Returns:
            Raw residual states by number of blocks, before any norm. {k: [B, T * H' * W', C]}
        """
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        count = merged.shape[0] // batch
        kind = "video" if video else "image"
        token = self._config.video_token_id if video else self._config.image_token_id
        ids = torch.tensor([*self._prompt, *[token] * count], device=merged.device).expand(batch, -1)
        types = torch.tensor([*[TEXT] * len(self._prompt), *[VIDEO if video else IMAGE] * count], device=merged.device)
        sizes = torch.tensor([grid] * batch, device=merged.device)
        per_clip: Any = torch.split(merged, count)
        seen = BaseModelOutputWithPooling(pooler_output=per_clip)
        deepest = max(depths)
        places = {str(depth): self.language_model.layers[depth - 1] for depth in depths}
        with reading(places, until=str(deepest)) as found:
            self._model(
                input_ids=ids,
                mm_token_type_ids=types.expand(batch, -1),
                mm_encoder_outputs={kind: seen},
                second_per_grid_ts=torch.full((batch,), SECONDS_PER_SLOT) if video else None,
                use_cache=False,
                **{f"{kind}_grid_thw": sizes},
            )
        return {int(name): state[:, len(self._prompt) :] for name, state in found.items()}
