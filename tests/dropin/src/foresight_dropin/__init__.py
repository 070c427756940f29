"""Oriented gradients on a grid: a small encoder without weights, offered as a plugin offers anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl
from foresight_harness.protocols import Encoder


def _build(request: BuildRequest) -> Encoder:
    from foresight_dropin.gradients import Gradients

    return Gradients(request.input_px or 112)


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder of size ``tiny``, so the smoke matrix scores it without an edit."""
    taps = (TapSpec("pooled", width=9, stride_px=14), TapSpec("normed", width=9, stride_px=14, normed=True))
    return [
        EncoderSpec(
            name="gradients_tiny",
            build=_build,
            taps=taps,
            default_tap="normed",
            input_px=112,
            family="dropin",
            params=0,
            weights=("random",),
            size="tiny",
        )
    ]


@hookimpl
def foresight_record(record: Mapping[str, Any]) -> None:
    """Append the record to the file that ``FORESIGHT_DROPIN_RECORDS`` names; without it, do nothing."""
    place = os.environ.get("FORESIGHT_DROPIN_RECORDS")
    if place:
        with Path(place).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
