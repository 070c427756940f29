"""A reference written token by token, and checkpoints as they are published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_cogvlm2 import spec_of
from foresight_cogvlm2.architecture import Architecture
from foresight_cogvlm2.model import CogVLM2
from foresight_cogvlm2.presets import PRESETS, Size
from foresight_harness import EncoderSpec
from foresight_vlm_kit import testing
from foresight_vlm_kit.testing import one_thread  # noqa: F401 - a fixture for every test here
from torch import Tensor
from torch.nn import functional as F


@pytest.fixture(params=["cogvlm2_tiny", "cogvlm2_video_tiny"])
def spec(request: pytest.FixtureRequest) -> EncoderSpec:
    """The tiny encoder with and without visual experts."""
    return {preset.name: spec_of(preset) for preset in PRESETS}[request.param]


@pytest.fixture
def preset(spec: EncoderSpec) -> Size:
    """Of that encoder."""
    return {preset.name: preset for preset in PRESETS}[spec.name]


@pytest.fixture(scope="session")
def random_state() -> Callable[[Architecture], dict[str, Tensor]]:
    """Values for every published tensor; biases and norms too."""

    def make(architecture: Architecture) -> dict[str, Tensor]:
        with torch.device("meta"):
            shapes = CogVLM2(architecture).state_dict()
        generator = torch.Generator().manual_seed(11)
        state = {}
        for name, like in shapes.items():
            noise = torch.randn(like.shape, generator=generator)
            if name.endswith("inv_freq"):
                width = 2 * like.shape[0]
                state[name] = 1 / 500000 ** (torch.arange(0, width, 2) / width)
            elif like.ndim == 1:
                state[name] = 0.2 * noise + (0 if name.endswith("bias") else 1)
            else:
                state[name] = noise * (like.numel() / like.shape[0]) ** -0.5
        return state

    return make


@pytest.fixture
def state(preset: Size, random_state: Callable[[Architecture], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Values of a checkpoint of the encoder's kind."""
    return random_state(preset.architecture)


@pytest.fixture
def write_checkpoint(tmp_path: Path, preset: Size, state: dict[str, Tensor]) -> Callable[..., Path]:
    """Write values as they are published: config with ``auto_map`` and no ``model_type``."""

    def write(change: Any = None, **config: Any) -> Path:
        return testing.write_checkpoint(tmp_path / "tiny", state, published_config(preset), change, config)

    return write


def published_config(preset: Size) -> dict[str, Any]:
    """The config.json of that model, field by field as published."""
    vision, text = preset.architecture.vision, preset.architecture.text
    return {
        "architectures": [preset.class_name],
        "auto_map": {
            "AutoConfig": "configuration_cogvlm.CogVLMConfig",
            "AutoModelForCausalLM": f"modeling_cogvlm.{preset.class_name}",
        },
        "vision_config": {
            "dropout_prob": 0.0,
            "hidden_act": "gelu",
            "in_channels": 3,
            "num_hidden_layers": vision.num_hidden_layers,
            "hidden_size": vision.hidden_size,
            "patch_size": vision.patch_size,
            "num_heads": vision.num_heads,
            "intermediate_size": vision.intermediate_size,
            "layer_norm_eps": 1e-06,
            "num_positions": vision.num_positions,
            "image_size": vision.image_size,
        },
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_attention_heads": text.num_attention_heads,
        "num_multi_query_heads": text.num_multi_query_heads,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-05,
        "template_version": "chat",
        "initializer_range": 0.02,
        "bos_token_id": text.bos_token_id,
        "eos_token_id": [2, 3],
        "pad_token_id": 2,
        "vocab_size": text.vocab_size,
        "num_hidden_layers": text.num_hidden_layers,
        "hidden_act": "silu",
        "use_cache": True,
    }


@pytest.fixture(scope="session")
def reference() -> Callable[[dict[str, Tensor], Architecture, Tensor], dict[str, Tensor]]:
    """Every tap from published tensors, with plain matrix products and loops over heads and tokens. [N, cells, C]"""
    return reference_taps


@pytest.fixture(scope="session")
def clip_reference() -> Callable[..., dict[str, Tensor]]:
    """See ``reference_clip``."""
    return reference_clip


@torch.no_grad()
def reference_taps(state: dict[str, Tensor], architecture: Architecture, pixels: Tensor) -> dict[str, Tensor]:
    """See the fixture ``reference``."""
    shape, taps = architecture.vision, dict[str, Tensor]()
    v = {name.removeprefix("model.vision."): tensor for name, tensor in state.items()}
    weight = v["patch_embedding.proj.weight"]
    unfolded = F.unfold(pixels, shape.patch_size, stride=shape.patch_size).transpose(1, 2)
    taps["patch_embed"] = unfolded @ weight.flatten(1).T + v["patch_embedding.proj.bias"]
    token = v["patch_embedding.cls_embedding"].expand(len(pixels), 1, -1)
    x = torch.cat([token, taps["patch_embed"]], 1) + v["patch_embedding.position_embedding.weight"]
    for index in range(shape.num_hidden_layers):
        x = _tower_block(x, v, f"transformer.layers.{index}.", shape.num_heads)
        taps[f"block.{index:02d}"] = x[:, 1:]
    taps["pre_conv"] = x[:, 1:]
    grid = x[:, 1:].reshape(len(x), shape.cells, shape.cells, -1)
    corners = [grid[:, row::2, col::2] for row in (0, 1) for col in (0, 1)]
    kernels = [v["conv.weight"][:, :, row, col] for row in (0, 1) for col in (0, 1)]
    joined = sum(corner @ kernel.T for corner, kernel in zip(corners, kernels, strict=True)) + v["conv.bias"]
    taps["post_conv"] = joined.flatten(1, 2)
    wide = taps["post_conv"] @ v["linear_proj.linear_proj.weight"].T
    wide = F.gelu(F.layer_norm(wide, wide.shape[-1:], v["linear_proj.norm1.weight"], v["linear_proj.norm1.bias"]))
    gate = F.silu(wide @ v["linear_proj.gate_proj.weight"].T)
    up = wide @ v["linear_proj.dense_h_to_4h.weight"].T
    taps["vision_out"] = (gate * up) @ v["linear_proj.dense_4h_to_h.weight"].T
    start = state["model.embed_tokens.weight"][architecture.text.bos_token_id].expand(len(x), 1, -1)
    boi, eoi = (v[name].expand(len(x), 1, -1) for name in ("boi", "eoi"))
    y = torch.cat([start, boi, taps["vision_out"], eoi], 1)
    positions = [0, 1, *[2] * (y.shape[1] - 3), 3]
    for index in range(architecture.text.num_hidden_layers):
        y = _decoder_layer(y, state, f"model.layers.{index}.", architecture, positions)
        taps[f"llm.{index + 1:02d}"] = y[:, 2:-1]
    return taps


@torch.no_grad()
def reference_clip(
    state: dict[str, Tensor], architecture: Architecture, frames: Tensor, texts: list[tuple[int, ...]]
) -> dict[str, Tensor]:
    """Every ``llm`` tap of one clip, its sequence laid out id by id as the published chat template does.

    Args:
        state: Published tensors of a video model.
        architecture: Of it.
        frames: Normalised pixels of one clip. [T, 3, S, S]
        texts: Ids behind each frame.

    Returns:
        [T, cells, C] each
    """
    seen = reference_taps(state, architecture, frames)["vision_out"]
    words, at = state["model.embed_tokens.weight"], 0
    rows, positions, places = [words[architecture.text.bos_token_id]], [0], list[list[int]]()
    for frame, text in zip(seen, texts, strict=True):
        at += 1
        rows.append(state["model.vision.boi"].flatten())
        positions.append(at)
        at += 1
        places.append([len(rows) + cell for cell in range(len(frame))])
        rows += list(frame)
        positions += [at] * len(frame)
        for row in (state["model.vision.eoi"].flatten(), *(words[number] for number in text)):
            at += 1
            rows.append(row)
            positions.append(at)
    y, taps = torch.stack(rows)[None], dict[str, Tensor]()
    for index in range(architecture.text.num_hidden_layers):
        y = _decoder_layer(y, state, f"model.layers.{index}.", architecture, positions)
        taps[f"llm.{index + 1:02d}"] = torch.stack([y[0, inside] for inside in places])
    return taps


def _tower_block(x: Tensor, v: dict[str, Tensor], at: str, heads: int) -> Tensor:
    def norm(name: str, value: Tensor) -> Tensor:
        return F.layer_norm(value, value.shape[-1:], v[f"{at}{name}.weight"], v[f"{at}{name}.bias"], 1e-6)

    def linear(name: str, value: Tensor) -> Tensor:
        return value @ v[f"{at}{name}.weight"].T + v[f"{at}{name}.bias"]

    query, key, value = linear("attention.query_key_value", x).chunk(3, -1)
    size = x.shape[-1] // heads
    mixed = []
    for head in range(heads):
        q, k, w = (part[..., head * size : (head + 1) * size] for part in (query, key, value))
        mixed.append(torch.softmax(q @ k.mT / size**0.5, -1) @ w)
    x = x + norm("input_layernorm", linear("attention.dense", torch.cat(mixed, -1)))
    return x + norm("post_attention_layernorm", linear("mlp.fc2", F.gelu(linear("mlp.fc1", x))))


def _decoder_layer(
    y: Tensor, state: dict[str, Tensor], at: str, architecture: Architecture, positions: list[int]
) -> Tensor:
    text = architecture.text
    size, count = text.head_width, y.shape[1]
    kinds = ["language", *["vision"] * (count - 2), "language"] if text.visual_experts else ["language"] * count

    def by_expert(value: Tensor, attention: str) -> Tensor:
        out = []
        for place, kind in enumerate(kinds):
            bias = state.get(f"{at}self_attn.{kind}_expert_{attention}.bias", torch.tensor(0.0))
            out.append(value[:, place] @ state[f"{at}self_attn.{kind}_expert_{attention}.weight"].T + bias)
        return torch.stack(out, 1)

    def norm(name: str, value: Tensor) -> Tensor:
        scale = value.square().mean(-1, keepdim=True).add(text.rms_norm_eps).sqrt()
        return value / scale * state[f"{at}{name}.weight"]

    def rotated(value: Tensor, place: int) -> Tensor:
        angle = positions[place] * state[f"{at}self_attn.rotary_emb.inv_freq"]
        turned = torch.complex(value[..., : size // 2], value[..., size // 2 :]) * torch.polar(
            torch.ones_like(angle), angle
        )
        return torch.cat([turned.real, turned.imag], -1)

    fused = by_expert(norm("input_layernorm", y), "query_key_value")
    width, key_width = text.hidden_size, text.num_multi_query_heads * size
    query, key, value = torch.split(fused, [width, key_width, key_width], -1)
    outputs = []
    for head in range(text.num_attention_heads):
        shared = head // (text.num_attention_heads // text.num_multi_query_heads)
        q = query[..., head * size : (head + 1) * size]
        k, w = (part[..., shared * size : (shared + 1) * size] for part in (key, value))
        q, k = (torch.stack([rotated(part[:, i], i) for i in range(count)], 1) for part in (q, k))
        scores = q @ k.mT / size**0.5
        rows = [torch.softmax(scores[:, i, : i + 1], -1)[:, None] @ w[:, : i + 1] for i in range(count)]
        outputs.append(torch.cat(rows, 1))
    y = y + by_expert(torch.cat(outputs, -1), "dense")
    inner = norm("post_attention_layernorm", y)
    added = []
    for place, kind in enumerate(kinds):
        gate, up, down = (state[f"{at}mlp.{kind}_mlp.{name}_proj.weight"] for name in ("gate", "up", "down"))
        token = inner[:, place]
        added.append((F.silu(token @ gate.T) * (token @ up.T)) @ down.T)
    return y + torch.stack(added, 1)
