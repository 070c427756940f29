"""DETR as it is published: behind a ResNet of timm, whose names are not the library's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_detectors.building import bare_model, pretrained_model
from foresight_detectors.presets import SIZES
from foresight_detectors.published_names import library_name
from foresight_detectors.sizes import Size

DETR50 = next(size for size in SIZES if size.name == "detr_resnet50")
NAMES = {
    "model.backbone.conv_encoder.model.conv1.weight": "model.backbone.model.embedder.embedder.convolution.weight",
    "model.backbone.conv_encoder.model.bn1.bias": "model.backbone.model.embedder.embedder.normalization.bias",
    "model.backbone.conv_encoder.model.layer2.0.downsample.1.running_var": (
        "model.backbone.model.encoder.stages.1.layers.0.shortcut.normalization.running_var"
    ),
    "model.backbone.model.layer4.2.conv3.weight": (
        "model.backbone.model.encoder.stages.3.layers.2.layer.2.convolution.weight"
    ),
    "model.encoder.layers.3.fc1.bias": "model.encoder.layers.3.mlp.fc1.bias",
    "model.decoder.layers.0.encoder_attn.out_proj.weight": "model.decoder.layers.0.encoder_attn.o_proj.weight",
    "bbox_predictor.layers.2.bias": "bbox_predictor.layers.2.bias",
}
SWIN = "model.backbone.conv_encoder.model."
SWIN_NAMES = {
    "embeddings.norm.bias": "swin.embeddings.norm.bias",
    "encoder.layers.2.blocks.5.attention.self.value.weight": "swin.encoder.layers.2.blocks.5.attention.v_proj.weight",
    "encoder.layers.0.blocks.1.attention.self.relative_position_bias_table": (
        "swin.encoder.layers.0.blocks.1.attention.relative_position_bias.relative_position_bias_table"
    ),
    "encoder.layers.0.blocks.1.attention.output.dense.bias": "swin.encoder.layers.0.blocks.1.attention.o_proj.bias",
    "encoder.layers.0.blocks.1.intermediate.dense.weight": "swin.encoder.layers.0.blocks.1.mlp.fc1.weight",
    "encoder.layers.0.blocks.1.output.dense.weight": "swin.encoder.layers.0.blocks.1.mlp.fc2.weight",
    "encoder.layers.1.downsample.reduction.weight": "swin.encoder.layers.1.downsample.reduction.weight",
    "hidden_states_norms.stage3.weight": "hidden_states_norms.stage3.weight",
    "swin.embeddings.norm.bias": "swin.embeddings.norm.bias",
}


@pytest.mark.parametrize("published", SWIN_NAMES)
def test_names_of_the_swin_by_hand(published: str) -> None:
    assert library_name("grounding_dino", SWIN + published) == SWIN + SWIN_NAMES[published]
    text = "model.text_backbone.encoder.layer.0.attention.self.query.weight"
    assert library_name("grounding_dino", text) == text


@pytest.mark.parametrize("published", NAMES)
def test_names_by_hand(published: str) -> None:
    assert library_name("detr", published) == NAMES[published]
    assert library_name("owlvit", published) == published


def _timm_detr() -> Any:
    """The library's detector over timm's ResNet-50, as the published configuration asks for, with random weights."""
    from transformers import DetrConfig, DetrForObjectDetection

    config = DetrConfig(use_timm_backbone=True, backbone="resnet50", num_labels=91, encoder_layers=1, decoder_layers=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = DetrForObjectDetection(config).eval()
        for name, buffer in model.model.backbone.named_buffers():
            spread = torch.rand_like(buffer) * 0.2
            buffer.copy_(spread + (0.9 if name.endswith(("weight", "running_var")) else -0.1))
    return model


def test_a_checkpoint_over_timms_resnet_gives_that_models_features(tmp_path: Path) -> None:
    small = {**DETR50.config, "encoder_layers": 1, "decoder_layers": 1}
    size = Size("detr_shallow", "detr", small, DETR50.params, 800)
    theirs = _timm_detr()
    theirs.save_pretrained(tmp_path / "detr")
    ours: Any = pretrained_model(size, tmp_path / "detr", "eager", torch.float32).eval()
    pixels = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected, found = theirs(pixels), ours(pixels)
    for name in ("logits", "pred_boxes", "encoder_last_hidden_state"):
        assert float((found[name] - expected[name]).abs().max()) <= 1e-5, name


def test_every_tensor_of_the_built_model_has_a_published_name() -> None:
    with torch.device("meta"):
        wanted = set(bare_model(DETR50).state_dict())
    timm_names = [
        f"model.backbone.conv_encoder.model.layer{stage}.{block}.{part}"
        for stage, blocks in enumerate((3, 4, 6, 3), 1)
        for block in range(blocks)
        for part in ("conv1.weight", "conv2.weight", "conv3.weight", "bn1.weight", "bn3.running_mean")
    ]
    assert {library_name("detr", name) for name in timm_names} <= wanted
