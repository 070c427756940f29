"""Running the first blocks of the language model on projected tokens and reading its residual stream."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig


class LanguageReader:
    """The library's multimodal model around the blocks that were built; it puts projected tokens into their places."""

    def __init__(self, config: LlavaNextConfig, language_model: nn.Module, prompt: Sequence[int]) -> None:
        """Wrap ``language_model``; ``prompt`` are the ids before the picture."""
        from transformers.models.llava_next.modeling_llava_next import LlavaNextModel

        shell: Any = deepcopy(config)
        shell.text_config.num_hidden_layers, shell.vision_config.num_hidden_layers = 1, 1
        with torch.device("meta"):
            model: Any = LlavaNextModel(shell)
        model.language_model, model.vision_tower, model.multi_modal_projector = language_model, None, None
        self._model = model
        self.language_model: Any = language_model
        self.prompt = tuple(prompt)
        self._image_token = config.image_token_index

    @property
    def depth(self) -> int:
        """Blocks that were built."""
        return len(self.language_model.layers)

    def read(self, projected: Tensor, depths: Sequence[int]) -> dict[int, Tensor]:
        """Read a picture's tokens after some numbers of blocks; blocks below the deepest asked for do not run.

        The sequence ends with the picture: attention is causal, so text after it could not change its tokens.

        Args:
            projected: Tokens of each picture in the order in which they are read. [N, S, C]
            depths: Numbers of blocks, at most ``depth``.

        Returns:
            Raw residual states by number of blocks, before any norm. {k: [N, S, C]}
        """
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        count, length = projected.shape[:2]
        ids = torch.tensor([*self.prompt, *[self._image_token] * length], device=projected.device)
        per_picture: Any = list(projected)
        places = {str(depth): self.language_model.layers[depth - 1] for depth in depths}
        with reading(places, until=str(max(depths))) as found:
            self._model(
                input_ids=ids.expand(count, -1),
                mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=per_picture)},
                use_cache=False,
            )
        return {int(name): state[:, len(self.prompt) :] for name, state in found.items()}
