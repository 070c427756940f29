"""The harness's own offers, through the same hooks that plugins use. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import (
    DatasetSpec,
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    MetricSpec,
    ProbeSpec,
)
from foresight_harness.parts.controls.specs import control_specs
from foresight_harness.parts.datasets.specs import dataset_specs
from foresight_harness.parts.grid_modules.specs import enhancer_specs, extractor_specs, fusion_specs
from foresight_harness.parts.metrics.specs import metric_specs
from foresight_harness.parts.pixel_decoders.specs import decoder_specs
from foresight_harness.parts.probes.specs import probe_specs


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """The controls: ``pixels``, ``constant``, ``shuffled``, ``oracle``."""
    return control_specs()


@hookimpl
def foresight_extractors() -> Iterable[ExtractorSpec]:
    """``tap``, ``concat``, ``multi_scale``."""
    return extractor_specs()


@hookimpl
def foresight_enhancers() -> Iterable[EnhancerSpec]:
    """``identity``; ``bilinear``, ``nearest`` and both ``_x4``."""
    return enhancer_specs()


@hookimpl
def foresight_fusions() -> Iterable[FusionSpec]:
    """``single``, ``concat``."""
    return fusion_specs()


@hookimpl
def foresight_decoders() -> Iterable[DecoderSpec]:
    """The pixel decoders ``linear`` and ``conv``, and adapters by budget in front of any decoder."""
    return decoder_specs()


@hookimpl
def foresight_datasets() -> Iterable[DatasetSpec]:
    """The built-in pictures and clips, and folders of the user."""
    return dataset_specs()


@hookimpl
def foresight_metrics() -> Iterable[MetricSpec]:
    """Box and picture metrics."""
    return metric_specs()


@hookimpl
def foresight_probes() -> Iterable[ProbeSpec]:
    """``dense_ridge``, which ranks, those that ``--probe`` adds, and the research documents' for the audit."""
    return probe_specs()
