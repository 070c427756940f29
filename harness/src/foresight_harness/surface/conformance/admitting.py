"""What a run asks before it ranks an encoder, asked beforehand: by the same function, on pictures of ``shapes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, DataRequest, EncoderSpec
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.admission import encoder_checks
from foresight_harness.measuring.admission.declared import params_fault
from foresight_harness.measuring.admission.examining import Subject, examine
from foresight_harness.measuring.admission.observing import observing
from foresight_harness.measuring.admission.painting import barely_changed, grey
from foresight_harness.measuring.extraction.encode import encode_batch
from foresight_harness.parts.checks.failures import require
from foresight_harness.parts.checks.pictures import constant_clip, random_clips
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.weights.counting import parameter_count

CANVAS_PX = 128
"""Side of the pictures: square, as those of a run at scale ``smoke``."""
OBLONG = (96, 160)
"""Rows and columns of the grey pictures, in pixels; admission's own are square."""


def check_admitted(encoder: Encoder, spec: EncoderSpec, request: BuildRequest) -> None:
    """A run at scale ``smoke`` would admit the encoder at every tap: places on square pictures, grey, black and plain
    ones, nothing looked up, evaluation mode, colours, parameters.

    Args:
        encoder: Built.
        spec: Its spec.
        request: What it was built with.

    Raises:
        ConformanceError: with the reason that the run would give.
    """
    shapes = Shapes(DataRequest("test", count=2, canvas_px=CANVAS_PX))
    params = parameter_count(encoder)

    def run(clips: Tensor, taps: Sequence[str]) -> Mapping[str, TokenGrid]:
        return encode_batch(encoder, clips.to(request.device), taps)

    subject = Subject(spec, run, request.input_px or spec.input_px, request.device, request.dtype, params)
    verdicts, _ = examine(subject, [tap.name for tap in spec.taps], shapes[0].clip, shapes[1].clip)
    reasons = list(dict.fromkeys(reason for verdict in verdicts.values() for reason in verdict.reasons))
    require(not reasons, f"a run refuses it: {reasons[0] if reasons else ''}{_more(reasons)}")
    found = max((verdict.params or 0 for verdict in verdicts.values()), default=0)
    fault = params_fault(spec, encoder.facts(), found, own_size=request.input_px in (None, spec.input_px))
    require(fault is None, f"a run refuses it: {fault}")


def check_grey_and_plain(encoder: Encoder, spec: EncoderSpec) -> None:
    """Oblong pictures without colour are read like others, black and white ones too. Raises: ConformanceError."""
    noise, other = random_clips(OBLONG, batch=2, seed=14)
    shown = {
        "a picture": noise,
        "a picture without colour": grey(noise),
        "another picture": other,
        "another picture without colour": grey(other),
        "a black picture": constant_clip((0.0, 0.0, 0.0), OBLONG)[0],
        "a white picture": constant_clip((1.0, 1.0, 1.0), OBLONG)[0],
    }
    clips = torch.stack(list(shown.values()))
    plain = [float(clip.std()) == 0 for clip in clips]
    for tap, grid in encoder.encode(clips, [one.name for one in spec.taps]).items():
        fault = encoder_checks.dead_fault(grid.tokens, tuple(shown), plain)
        require(fault is None, f"{tap}: {fault}")
        away = encoder_checks.root_mean_square_difference(grid.tokens[4:5], grid.tokens[5:6])
        require(away > 1e-4, f"{tap}: a black and a white picture get the same features: read plain pictures too")


def check_nothing_is_looked_up(encoder: Encoder, spec: EncoderSpec, request: BuildRequest) -> None:
    """A picture with a few values moved by 1 of 255 has nearly the same features, be it one that everybody has.

    Raises: ConformanceError.
    """
    known = Shapes(DataRequest("test", count=1, canvas_px=CANVAS_PX))[0].clip
    clips = torch.stack([known, barely_changed(known)])
    limit = encoder_checks.limits_of(request.dtype, request.device).barely
    for tap, grid in encoder.encode(clips, [one.name for one in spec.taps]).items():
        away = encoder_checks.root_mean_square_difference(grid.tokens[1:], grid.tokens[:1])
        require(
            away <= limit,
            f"{tap}: a few values of a picture moved by 1 of 255 move its features by {away:.2g} root mean squares "
            f"(limit {limit:g}): features are computed from what is seen, not looked up",
        )


def check_evaluation_mode(encoder: Encoder, spec: EncoderSpec) -> None:
    """No module that behaves otherwise in training mode runs in it. Raises: ConformanceError."""
    with observing() as seen:
        encoder.encode(random_clips((CANVAS_PX, CANVAS_PX), seed=15), [tap.name for tap in spec.taps])
    hint = encoder_checks.eval_hint(seen.training)
    require(hint is None, hint or "")


def _more(reasons: Sequence[str]) -> str:
    return f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
