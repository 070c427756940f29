"""A small encoder without weights, a suite and a probe, offered as a plugin offers anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness import BuildRequest, EncoderSpec, MetricFacts, ProbeSpec, SuiteSpec, TapSpec, hookimpl
from foresight_harness.protocols import Encoder, Probe, SuiteCell

if TYPE_CHECKING:
    from foresight_harness.outcomes import Outcome


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


def _protocol(cell: SuiteCell) -> Mapping[str, Any]:
    from foresight_dropin.counting import protocol

    return protocol(cell)


def _score(cell: SuiteCell) -> Outcome:
    from foresight_dropin.counting import score

    return score(cell)


@hookimpl
def foresight_suites() -> Iterable[SuiteSpec]:
    """How many objects there are, on data sets that say so."""
    return [
        SuiteSpec(
            name="counting",
            title="how many objects there are: error of the count",
            order=15,
            labels=frozenset({"boxes"}),
            metrics=(MetricFacts("count_error", "objects", "lower", (0.0, None), "Error of the count", "counts"),),
            read_by=("count_error",),
            ranked_by=("count_error",),
            guess_s=0.4,
            protocol=_protocol,
            score=_score,
        )
    ]


def _most_alike() -> Probe:
    from foresight_dropin.most_alike import MostAlike

    return MostAlike()


@hookimpl
def foresight_probes() -> Iterable[ProbeSpec]:
    """The boxes of the picture that is most alike."""
    return [ProbeSpec(name="most_alike", build=_most_alike, guess_s=0.2)]


@hookimpl
def foresight_record(record: Mapping[str, Any]) -> None:
    """Append the record to the file that ``FORESIGHT_DROPIN_RECORDS`` names; without it, do nothing."""
    place = os.environ.get("FORESIGHT_DROPIN_RECORDS")
    if place:
        with Path(place).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
