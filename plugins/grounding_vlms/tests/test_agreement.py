"""Another route to every tap: calls of the library's whole models on pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from foresight_grounding_vlms import spec_of
from foresight_grounding_vlms.presets import Size
from foresight_harness import BuildRequest
from foresight_harness.grids import TokenGrid
from foresight_harness.testing import ConformanceError, check_impulse
from torch import Tensor
from torchvision.transforms.v2 import functional as pictures_of

SIZES_PX = ((140, 196), (224, 132))
BATCH = 2


def _pixels(preset: Size, frames: Tensor, side: int) -> Tensor:
    resized = pictures_of.resize(frames, [side, side], pictures_of.InterpolationMode.BICUBIC, antialias=True)
    mean, std = map(list, preset.colours)
    return pictures_of.normalize(resized.clamp(0, 1), mean, std)


def _florence(model: Any, pixels: Tensor) -> dict[str, Tensor]:
    """Stages by the layers one after the other; the projected tokens from the model's own call."""
    state, found = pixels, {}
    tower = model.model.vision_tower
    for place, (conv, blocks) in enumerate(zip(tower.convs, tower.blocks, strict=True), 1):
        state = conv(state)
        for block in blocks:
            state = block.channel_block(block.spatial_block(state))
        found[f"stage.{place}"] = state.permute(0, 2, 3, 1)
    tokens = model.model.get_image_features(pixels).pooler_output
    side = pixels.shape[-1] // 32
    assert tokens.shape[1] == side * side + 1
    found["projected"] = tokens[:, 1:].reshape(BATCH, side, side, -1)
    return found


def _kosmos(model: Any, pixels: Tensor) -> dict[str, Tensor]:
    """All states of the tower's own call."""
    side = pixels.shape[-1] // 14
    out = model.vision_model(pixels, interpolate_pos_encoding=True, output_hidden_states=True)
    states = [state[:, 1:].reshape(BATCH, side, side, -1) for state in out.hidden_states]
    found = {f"block.{index:02d}": state for index, state in enumerate(states[1:])}
    weight = model.vision_model.model.embeddings.patch_embedding.weight
    patches = torch.nn.functional.unfold(pixels, 14, stride=14)
    found["patch_embed"] = (weight.flatten(1) @ patches).mT.reshape(BATCH, side, side, -1)
    norm = model.vision_model.model.post_layernorm
    found["last"] = torch.nn.functional.layer_norm(states[-1], (64,), norm.weight, norm.bias, norm.eps)
    return found


@pytest.mark.parametrize("picture_px", SIZES_PX)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("larger", [0, 2])
def test_every_tap_equals_the_outputs_of_the_whole_model(
    tiny: Size, whole_model: Callable[..., Any], picture_px: tuple[int, int], attention: str, larger: int
) -> None:
    spec, side = spec_of(tiny), tiny.input_px + larger * tiny.step_px
    clips = torch.rand(BATCH, 1, 3, *picture_px, generator=torch.Generator().manual_seed(5))
    names = [tap.name for tap in spec.taps]
    found = spec.build(BuildRequest(seed=3, attention=attention, input_px=side)).encode(clips, names)
    with torch.no_grad():
        read = _florence if tiny.family == "florence2" else _kosmos
        expected = read(whole_model(tiny, 3), _pixels(tiny, clips[:, 0], side))
    assert set(expected) == set(names)
    for tap in spec.taps:
        tokens, wanted = found[tap.name].tokens[:, 0], expected[tap.name]
        assert tokens.shape == (BATCH, side // tap.stride_px, side // tap.stride_px, tap.width)
        assert float((tokens - wanted).abs().max()) <= 1e-5 * max(1.0, float(wanted.abs().max())), tap.name


class Wrong:
    """An encoder whose tokens are put in another order at one tap."""

    def __init__(self, encoder: Any, tap: str, order: Callable[[Tensor], Tensor]) -> None:
        self._encoder, self._tap, self._order = encoder, tap, order

    def facts(self) -> Mapping[str, Any]:
        return dict(self._encoder.facts())

    def encode(self, clips: Tensor, names: Sequence[str]) -> dict[str, TokenGrid]:
        grids = self._encoder.encode(clips, names)
        grids[self._tap] = TokenGrid(self._order(grids[self._tap].tokens))
        return dict(grids)


def _prefixed(tokens: Tensor) -> Tensor:
    """A whole-picture token kept in front: every token stands one further, the last is lost."""
    flat = tokens.flatten(2, 3)
    return torch.cat([flat.mean(2, keepdim=True), flat[:, :, :-1]], dim=2).reshape(tokens.shape)


FAULTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda tokens: tokens.transpose(2, 3),
    "flipped": lambda tokens: tokens.flip(2),
    "prefixed": _prefixed,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_tokens_in_a_wrong_order_are_found_at_every_tap(tiny: Size, fault: str) -> None:
    encoder = spec_of(tiny).build(BuildRequest())
    for tap in spec_of(tiny).taps:
        check_impulse(encoder, tap.name, sizes=((140, 196),), tolerance_cells=0)
        with pytest.raises(ConformanceError, match="impulses are found elsewhere"):
            check_impulse(Wrong(encoder, tap.name, FAULTS[fault]), tap.name, sizes=((140, 196),))  # type: ignore[arg-type]


def test_shallow_taps_run_no_deeper_blocks_and_no_projection(tiny: Size) -> None:
    encoder: Any = spec_of(tiny).build(BuildRequest())
    ran: list[str] = []
    for part in encoder._tower.modules():
        for name, module in part.named_modules():
            module.register_forward_hook(lambda *call, name=name: ran.append(name))
    encoder.encode(torch.rand(1, 1, 3, 140, 196), [spec_of(tiny).taps[1].name])
    deeper = ("blocks.2", "convs.2", "image_projection") if tiny.family == "florence2" else ("model.encoder.layers.1",)
    assert ran
    assert not [name for name in ran if name.startswith(deeper)]
