"""Every hook, in the order of a run. Each docstring answers the same five questions."""
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.hooks import hookspec

if TYPE_CHECKING:
    from foresight_harness.contracts.specs import (
        DatasetSpec,
        DecoderSpec,
        EncoderSpec,
        EnhancerSpec,
        ExtractorSpec,
        FusionSpec,
        MetricSpec,
    )


@hookspec
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Offer encoders: clips in, token grids out.

    Called: once per session, before collection ends. All plugins answer; answers are joined and sorted by name.
    Cost: cheap. No torch, no weights, no network; those belong in ``EncoderSpec.build``.
    Returns: zero or more specs. Names are lower_snake_case and unique over all plugins.
    Errors: a name offered twice stops the session and names both plugins.
    Example: plugins/dinov2/src/foresight_dinov2/__init__.py
    """


@hookspec
def foresight_extractors() -> Iterable[ExtractorSpec]:
    """Offer extractors: the taps of one encoder in, one stream out.

    Called: once per session, before collection ends.
    Cost: cheap. No torch; that belongs in ``ExtractorSpec.build``.
    Returns: zero or more specs. ``tap`` (one tap as it is) is built in.
    Errors: a name offered twice stops the session and names both plugins.
    Example: harness/src/foresight_harness/parts/builtin.py
    """


@hookspec
def foresight_enhancers() -> Iterable[EnhancerSpec]:
    """Offer spatial enhancers: a stream in, a spatially sharper grid out.

    Called: once per session, before collection ends.
    Cost: cheap. No torch; that belongs in ``EnhancerSpec.build``.
    Returns: zero or more specs. ``identity`` and ``bilinear`` are built in.
    Errors: a name offered twice stops the session and names both plugins.
    Example: harness/src/foresight_harness/parts/builtin.py
    """


@hookspec
def foresight_fusions() -> Iterable[FusionSpec]:
    """Offer fusions: one or more grids in, one conditioning grid or token set out.

    Called: once per session, before collection ends.
    Cost: cheap. No torch; that belongs in ``FusionSpec.build``.
    Returns: zero or more specs. ``single`` and ``concat`` are built in.
    Errors: a name offered twice stops the session and names both plugins.
    Example: harness/src/foresight_harness/parts/builtin.py
    """


@hookspec
def foresight_decoders() -> Iterable[DecoderSpec]:
    """Offer decoders: latents in, pixels or video out, through a declared latent space.

    Called: once per session, before collection ends.
    Cost: cheap. No torch, no weights; those belong in ``DecoderSpec.build``.
    Returns: zero or more specs. The pixel decoders ``linear`` and ``conv`` are built in.
    Errors: a name offered twice stops the session and names both plugins.
    Example: plugins/ltx_video/src/foresight_ltx_video/__init__.py
    """


@hookspec
def foresight_datasets() -> Iterable[DatasetSpec]:
    """Offer data sets: clips with boxes, masks or motion labels.

    Called: once per session, before collection ends.
    Cost: cheap. No torch, no reading of pictures; that belongs in ``DatasetSpec.build``.
    Returns: zero or more specs. see ``foresight-bench plugins`` for the built-in ones, pictures and clips.
    Errors: a name offered twice stops the session and names both plugins.
    Example: harness/src/foresight_harness/parts/builtin.py
    """


@hookspec
def foresight_metrics() -> Iterable[MetricSpec]:
    """Offer metrics: one value per sample from a comparison, with unit, direction and range.

    Called: once per session, before collection ends.
    Cost: cheap. No torch; that belongs in ``MetricSpec.build``.
    Returns: zero or more specs. The harness computes every statistic from the per-sample values.
    Errors: a name offered twice stops the session and names both plugins.
    Example: harness/src/foresight_harness/parts/builtin.py
    """


@hookspec
def foresight_environment() -> Mapping[str, str]:
    """Add facts about the machine or the software to every run.

    Called: once per run, when its folder is created.
    Cost: under a second; no network.
    Returns: a flat mapping of names to text; it is stored under ``environment`` in ``run.json``.
    Errors: a name added twice stops the session and names both plugins.
    Example: plugins/ltx_video/src/foresight_ltx_video/__init__.py
    """


@hookspec
def foresight_record(record: Mapping[str, Any]) -> None:
    """Send each record of a run elsewhere.

    Called: once for each record, after it was written to ``records.jsonl``, in the process that keeps the run and in no
        worker. All plugins are called, each with a copy; then the trackers that ``--export`` names.
    Cost: milliseconds; it stands between two cells. Send in the background, or at exit.
    Returns: nothing.
    Errors: a plugin that raises is not called again in this run; the summary names it, and the run goes on.
    Example: tests/dropin/src/foresight_dropin/__init__.py
    """


HOOKS = (
    foresight_encoders,
    foresight_extractors,
    foresight_enhancers,
    foresight_fusions,
    foresight_decoders,
    foresight_datasets,
    foresight_metrics,
    foresight_environment,
    foresight_record,
)
"""Every hook of the project, for documentation and tests."""
