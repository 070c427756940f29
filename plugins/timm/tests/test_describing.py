from __future__ import annotations

import pytest
import torch
from foresight_harness import BuildRequest, CandidateError
from foresight_timm.describing import describe
from foresight_timm.specs import encoder_spec, family_spec


def test_any_vit_is_offered_by_name() -> None:
    expand = family_spec().expand
    assert expand is not None
    spec = expand("vit_small_patch14_reg4_dinov2.lvd142m")
    assert spec.name == "timm:vit_small_patch14_reg4_dinov2.lvd142m"
    assert (spec.input_px, spec.params, spec.license) == (518, 22_057_344, "apache-2.0")
    assert (len(spec.taps), spec.default_tap, spec.taps[-1].width) == (14, "last", 384)
    assert spec.repo == "timm/vit_small_patch14_reg4_dinov2.lvd142m"


def test_an_expanded_encoder_runs_and_drops_every_prefix_token() -> None:
    spec = encoder_spec(describe("deit_tiny_distilled_patch16_224"))
    assert spec.build(BuildRequest()).facts()["params"] == spec.params
    encoder = spec.build(BuildRequest(input_px=64))
    assert encoder.encode(torch.rand(1, 2, 3, 40, 50), ["last"])["last"].tokens.shape == (1, 2, 4, 4, 192)


def test_mean_and_std_are_those_of_the_tag() -> None:
    assert describe("vit_base_patch16_224.mae").colours[0] == (0.485, 0.456, 0.406)
    assert describe("vit_base_patch16_224.augreg_in21k").colours[0] == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("vit_bse_patch16_224", "did you mean vit_base_patch16_224"),
        ("zzz", r"timm.list_models\(\) names all"),
        ("vit_base_patch16_224.nope", "no weights 'nope' of vit_base_patch16_224; there are"),
        ("resnet50", "is a ResNet; only plain ViTs"),
        ("vit_base_r50_s16_224", "only plain ViTs"),
    ],
)
def test_what_cannot_be_offered_is_refused_in_one_line(argument: str, message: str) -> None:
    with pytest.raises(CandidateError, match=message) as caught:
        describe(argument)
    assert "\n" not in str(caught.value)


def test_describing_leaves_the_global_generator_alone() -> None:
    describe.cache_clear()
    before = torch.get_rng_state()
    describe("vit_tiny_patch16_224")
    assert torch.equal(torch.get_rng_state(), before)
