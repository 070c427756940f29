"""The first blocks of a language model, read at the places of a picture's tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn


class Language:
    """As many blocks as were built."""

    def __init__(self, language_model: nn.Module) -> None:
        """Wrap a built model whose blocks are called ``layers``."""
        self.language_model: Any = language_model

    @property
    def depth(self) -> int:
        """Blocks that were built."""
        return len(self.language_model.layers)


class LibraryLanguage(Language):
    """The transformers library's multimodal model around the blocks; it places a picture's tokens and positions."""

    def __init__(
        self,
        model_class: Any,
        config: Any,
        language_model: nn.Module,
        prompt: Sequence[int],
        without: Iterable[str],
        device: str | None = None,
    ) -> None:
        """Lay the shell on the meta device.

        Args:
            model_class: The library's multimodal model, without a vocabulary head.
            config: Of the whole model.
            language_model: The blocks that were built.
            prompt: Ids before the picture.
            without: Parts of the shell that never run.
            device: Where states are brought together, of blocks that lie on several; None leaves them where they are.
        """
        super().__init__(language_model)
        shell = deepcopy(config)
        shell.text_config.num_hidden_layers = 1
        setattr(shell.vision_config, "depth" if hasattr(shell.vision_config, "depth") else "num_hidden_layers", 1)
        with torch.device("meta"):
            self._model: Any = model_class(shell)
        self._model.language_model = language_model
        for part in without:
            setattr(self._model, part, None)
        self.prompt = tuple(prompt)
        self._device = device

    def run(
        self, token: int, kind: str, tokens: Sequence[Tensor], depths: Iterable[int], **more: Any
    ) -> dict[int, Tensor]:
        """Read a picture's tokens after some numbers of blocks; blocks below the deepest one asked for do not run.

        The sequence ends with the picture: attention is causal, so text after it could not change its tokens.

        Args:
            token: Placeholder id of a picture's token.
            kind: ``image`` or ``video``, as the library names what ``tokens`` are.
            tokens: What the vision side gives, for each sequence. [S, C] each
            depths: Numbers of blocks, at most ``depth``.
            more: Further arguments of the library's model.

        Returns:
            Raw residual states by number of blocks, before any norm. {k: [N, S, C]}
        """
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        ids = torch.tensor([*self.prompt, *[token] * len(tokens[0])], device=tokens[0].device)
        seen: Any = tokens
        places = {str(depth): self.language_model.layers[depth - 1] for depth in depths}
        with reading(places, until=str(max(depths)), device=self._device) as found:
            self._model(
                input_ids=ids.expand(len(tokens), -1),
                mm_encoder_outputs={kind: BaseModelOutputWithPooling(pooler_output=seen)},
                use_cache=False,
                **more,
            )
        return {int(name): state[:, len(self.prompt) :] for name, state in found.items()}
