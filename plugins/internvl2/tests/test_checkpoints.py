"""Checkpoints in the published layouts, against the model that they were written from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec
from foresight_internvl2.architecture import MEAN, STD
from foresight_vlm_kit.pictures import squash
from foresight_vlm_kit.testing import BlueprintCheckpoints
from torch import Tensor

CLIPS = torch.rand(1, 1, 3, 70, 50, generator=torch.Generator().manual_seed(5))
Write = Callable[..., Path]
NOT_RUN = "is implemented here, and the checkpoint's own code is never run"
OTHER_SIZE = "is another size than internvl2_tiny: its"


class TestCheckpoints(BlueprintCheckpoints):
    plugin = "internvl2"
    projected = "post_projector"
    missing = (
        ("vision_model.encoder.layers.2.ls1", "post_projector", "vision_tower.encoder.layer.2.lambda_1"),
        ("language_model.model.layers.1.attention.wqkv.weight", "llm.02", "layers.1.self_attn.k_proj.weight"),
    )
    unexpected = (
        ("qllama.embed.weight", "post_projector"),
        ("vision_model.head.weight", "post_projector"),
        ("language_model.model.layers.4.extra.weight", "llm.01"),
    )
    misshapen = (("mlp1.3.bias", "multi_modal_projector.linear_2.bias"),)
    refused = (
        (
            {"model_type": "llava_next", "auto_map": {}},
            "is a 'llava_next' checkpoint; InternVL2 needs 'internvl' or 'internvl_chat'",
        ),
        ({"model_type": "internvl"}, "asks to run its own code"),
        ({"llm_config": {"model_type": "phi3"}}, "llm_config.model_type is 'phi3'; only 'internlm2'"),
        ({"ps_version": "v1"}, f"ps_version is 'v1'; only 'v2' {NOT_RUN}"),
        ({"select_layer": -4}, f"select_layer is -4; only -1 {NOT_RUN}"),
        ({"downsample_ratio": 0.25}, f"downsample_ratio is 0.25; only 0.5 {NOT_RUN}"),
        ({"vision_config": {"num_hidden_layers": 24}}, f"{OTHER_SIZE} vision num_hidden_layers is 24, not 4"),
        ({"vision_config": {"image_size": 448}}, f"{OTHER_SIZE} vision image_size is 448, not 224"),
        ({"llm_config": {"hidden_size": 4096}}, f"{OTHER_SIZE} text hidden_size is 4096, not 96"),
    )
    incomplete = ("vision_config", "qkv_bias")
    reads = {  # noqa: RUF012
        "post_projector": r"(vision_model|mlp1)\..*",
        "llm.02": r"language_model\.model\.(tok_embeddings|layers\.[01])\..*",
    }

    def compare(self, spec: EncoderSpec, folder: Path, expected: dict[str, Tensor]) -> None:
        found = self.load(spec, folder).encode(CLIPS, [tap.name for tap in spec.taps])
        for name, grid in found.items():
            torch.testing.assert_close(grid.tokens.flatten(1, 3), expected[name], rtol=1e-4, atol=1e-4, msg=name)

    @pytest.mark.parametrize(("family", "big_tower"), [("internlm2", False), ("qwen2", False), ("llama", True)])
    def test_a_published_checkpoint_gives_the_features_of_the_model_it_was_written_from(
        self,
        spec: EncoderSpec,
        write_checkpoint: Write,
        architecture_of: Callable[..., Any],
        native_model: Callable[..., Any],
        reference: Callable[..., dict[str, Tensor]],
        family: str,
        big_tower: bool,
    ) -> None:
        architecture = architecture_of(family, big_tower=big_tower)
        model = native_model(architecture)
        folder = write_checkpoint(None, architecture, model)
        self.compare(spec, folder, reference(model, squash(CLIPS, 224, MEAN, STD), (1, 240)))

    @pytest.mark.parametrize("family", ["qwen2", "llama"])
    def test_a_native_conversion_gives_the_features_of_the_model_it_was_written_from(
        self,
        spec: EncoderSpec,
        architecture_of: Callable[..., Any],
        native_model: Callable[..., Any],
        reference: Callable[..., dict[str, Tensor]],
        tmp_path: Path,
        family: str,
    ) -> None:
        model = native_model(architecture_of(family))
        model.save_pretrained(tmp_path, max_shard_size="1400KB")
        assert len(list(tmp_path.glob("*.safetensors"))) == 2
        assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "internvl"
        self.compare(spec, tmp_path, reference(model, squash(CLIPS, 224, MEAN, STD), (1, 248)))

    def test_rotary_base_comes_from_the_checkpoint(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        before = self.load(spec, write_checkpoint()).encode(CLIPS, ["llm.03"])
        after = self.load(spec, write_checkpoint(llm_config={"rope_theta": 10.0})).encode(CLIPS, ["llm.03"])
        assert not torch.allclose(before["llm.03"].tokens, after["llm.03"].tokens, atol=1e-4)

    def test_another_normalisation_is_refused(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
        assert "image_mean is [0.5, 0.5, 0.5]" in self.refusal(spec, folder)
