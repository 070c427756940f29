"""The whole of Qwen2.5-VL, asked about pictures: what its language model says after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import UsageError
from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.talk import Talk, nano_talk, text_talk
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.pictures import resize
from torch import Tensor

from foresight_qwen2_5_vl.parts import library_model
from foresight_qwen2_5_vl.preprocessing import normalise, patchify, target_size
from foresight_qwen2_5_vl.presets import PREPROCESSING, Size

INPUT_PX = 224
"""Short side that pictures are brought to, as for the encoder."""
BEFORE, AFTER = "<|vision_end|>", "<|im_end|>\n<|im_start|>assistant\n"
"""Of the chat template: between picture and question, between question and answer."""
PARTS = {"visual": "model.visual", "language_model": "model.language_model", "lm_head": "lm_head"}
"""Modules by the label of their random weights; the first two as the encoder draws them, all as ``train_nano`` does."""


@dataclass(frozen=True)
class Seen:
    """Pictures as the language model is given them."""

    tokens: tuple[Tensor, ...]
    """Merged tokens of each picture, in raster order. [S, C] each"""
    grid: tuple[int, int, int]
    """Of one picture in patches: slots, rows, columns."""


class QwenSpeaker:
    """Vision side once for each picture, language model once for each next word; no cache of keys and values."""

    def __init__(self, model: Any, prompt: tuple[int, ...]) -> None:
        """``model`` is the library's, with its head; ``prompt`` stands before a picture."""
        self.model, self.prompt = model, prompt
        vision = model.config.vision_config
        self._patch, self._merge, self._slot = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size

    def see(self, pictures: Tensor) -> Seen:
        """See ``Speaker``. [B, 3, H_px, W_px]"""
        rows_px, cols_px = pictures.shape[-2:]
        size = target_size(rows_px, cols_px, INPUT_PX, self._patch * self._merge)
        resized = resize(pictures.float(), size).unsqueeze(1)
        patches, grid = patchify(resized, patch=self._patch, merge=self._merge, slot_frames=self._slot)
        given = normalise(patches).to(self.model.device, self.model.dtype)
        sizes = torch.tensor([grid] * len(pictures), device=self.model.device)
        merged = self.model.model.visual(given, grid_thw=sizes).pooler_output
        return Seen(torch.split(merged, len(merged) // len(pictures)), grid)

    def scores(self, seen: Seen, words: Tensor) -> Tensor:
        """See ``Speaker``. [B, L] -> [B, V]"""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        config, count = self.model.config, len(seen.tokens[0])
        before = torch.tensor([*self.prompt, *[config.image_token_id] * count]).expand(len(words), -1)
        ids = torch.cat([before, words], dim=1).to(self.model.device)
        types = torch.zeros_like(ids)
        types[:, len(self.prompt) : before.shape[1]] = 1
        given: Any = seen.tokens
        states = self.model.model(
            input_ids=ids,
            mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=given)},
            image_grid_thw=torch.tensor([seen.grid] * len(words), device=ids.device),
            mm_token_type_ids=types,
            use_cache=False,
        ).last_hidden_state
        scores: Tensor = self.model.lm_head(states[:, -1]).float()
        return scores


def build_answerer(preset: Size, request: BuildRequest) -> Answerer:
    """A size that can be asked: in words through its tokenizer, nano and tiny ones in the words of nano captions.

    Raises:
        UsageError: if memory, attention or dtype do not allow it.
        CheckpointError: if the checkpoint or its tokenizer is absent, damaged, unsafe or of another size.
    """
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

    if request.dtype == "float16":
        raise UsageError(f"{preset.name} in float16: its tower's activations overflow there. Use bfloat16 or float32.")
    origin = origin_of(preset, request, model_types=["qwen2_5_vl"], expected="Qwen2.5-VL", preprocessing=PREPROCESSING)
    parts = library_model(preset, origin)
    in_words = request.weights == "pretrained" and origin.folder is not None
    talk: Talk = (
        text_talk(origin.folder, BEFORE, AFTER, [parts.config.text_config.eos_token_id])
        if in_words and origin.folder is not None
        else nano_talk([parts.config.vision_end_token_id])
    )
    model = parts.build_whole(Qwen2_5_VLForConditionalGeneration, PARTS)
    return Answerer(QwenSpeaker(model, preset.prompt_ids), talk)
