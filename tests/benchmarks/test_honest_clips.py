"""Encoders of clips: honest ones are admitted at every tap, ones that mix up time are refused and told why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.grids import TokenGrid
from foresight_harness.measuring.admission.examining import Subject, examine
from foresight_harness.measuring.admission.first_call import first_and_last
from foresight_harness.measuring.admission.verdicts import Verdict
from foresight_harness.measuring.extraction.encode import encode_batch
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.weights.counting import parameter_count
from foresight_harness.planning.registry import load_registry
from torch import Tensor

SLOTS_OF_TWO = "qwen2_5_vl_nano_where"
"""Nine frames are five slots, the last of one frame that is read twice."""
AS_VIDEOS = ("cogvlm2_video_tiny:clip", "internvl2_tiny:video")
"""A language model reads all frames: every token also sees those before it, and few pictures say that it leans."""
Change = Callable[[Tensor], Tensor]


def unchanged(found: Tensor) -> Tensor:
    return found


def examined(name: str, *, seed: int = 0, clips: Change = unchanged, tokens: Change = unchanged) -> dict[str, Verdict]:
    """Verdicts by tap of an encoder with random weights whose clips or tokens [B, T, ...] are changed."""
    spec = load_registry().encoder(name)
    encoder = spec.build(BuildRequest(seed=seed))

    def run(given: Tensor, taps: Sequence[str]) -> Mapping[str, TokenGrid]:
        grids = encode_batch(encoder, clips(given), taps)
        return {tap: TokenGrid(tokens(grid.tokens)) for tap, grid in grids.items()}

    subject = Subject(spec, run, spec.input_px, params=parameter_count(encoder))
    data = MovingShapes(DataRequest("test", count=2, canvas_px=128))
    return examine(subject, [tap.name for tap in spec.taps], data[0].clip, data[1].clip)[0]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "name", [SLOTS_OF_TWO, "internvl2_nano_where", "cogvlm2_video_tiny", "dinov2_tiny", *AS_VIDEOS]
)
def test_an_honest_encoder_of_clips_is_admitted_at_every_tap(name: str, seed: int) -> None:
    verdicts = examined(name, seed=seed)
    assert {tap: verdict.reasons for tap, verdict in verdicts.items() if verdict.status != "admitted"} == {}


@pytest.mark.parametrize("name", [SLOTS_OF_TWO, "dinov2_tiny"])
@pytest.mark.parametrize(
    "fault",
    [
        {"clips": lambda found: found.flip(1)},
        {"tokens": lambda found: found.flip(1)},
        {"tokens": lambda found: found.roll(1, 1)},
        {"tokens": lambda found: found.mean(1, keepdim=True).expand_as(found)},
    ],
    ids=["clips backwards", "slots backwards", "slots one off", "slots averaged"],
)
def test_an_encoder_that_mixes_up_time_is_refused(name: str, fault: dict[str, Change]) -> None:
    verdicts = examined(name, clips=fault.get("clips", unchanged), tokens=fault.get("tokens", unchanged))
    for tap, verdict in verdicts.items():
        assert verdict.status == "refused", tap
        assert any("keep frames in order" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("frames", "stride", "first", "last"),
    [
        (9, 1, [0], [8]),
        (9, 2, [0, 1], [8]),
        (8, 2, [0, 1], [6, 7]),
        (9, 4, [0, 1, 2, 3], [8]),
        (3, 8, [0, 1, 2], [0, 1, 2]),
    ],
)
def test_no_frame_that_is_repainted_lies_in_two_slots(
    frames: int, stride: int, first: list[int], last: list[int]
) -> None:
    assert [list(found) for found in first_and_last(frames, stride)] == [first, last]
