"""The core of the Foresight harness. Importing it imports no torch.

PYTEST_DONT_REWRITE: ``foresight-bench run`` has imported it before pytest could, which would warn of that in each run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import (
    CandidateError,
    CheckpointError,
    DataError,
    FitError,
    ForesightError,
    GridError,
    PluginError,
    UsageError,
)
from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import (
    BuildRequest,
    DataRequest,
    DatasetSpec,
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    GridShape,
    LatentSpace,
    MetricFacts,
    MetricSpec,
    PackageMember,
    ProbeSpec,
    PublishedFile,
    PublishedWeights,
    SuiteSpec,
    TapSpec,
)

if TYPE_CHECKING:
    from foresight_harness.surface.python_calls import score
    from foresight_harness.surface.run import open_run

__version__ = "0.2.0"

__all__ = [
    "BuildRequest",
    "CandidateError",
    "CheckpointError",
    "DataError",
    "DataRequest",
    "DatasetSpec",
    "DecoderSpec",
    "EncoderSpec",
    "EnhancerSpec",
    "ExtractorSpec",
    "FitError",
    "ForesightError",
    "FusionSpec",
    "GridError",
    "GridShape",
    "LatentSpace",
    "MetricFacts",
    "MetricSpec",
    "PackageMember",
    "PluginError",
    "ProbeSpec",
    "PublishedFile",
    "PublishedWeights",
    "SuiteSpec",
    "TapSpec",
    "UsageError",
    "hookimpl",
    "open_run",
    "score",
]


def __getattr__(name: str) -> Any:
    """``score`` and ``open_run`` are loaded when they are used, so that plugins are discovered without torch."""
    if name == "score":
        from foresight_harness.surface.python_calls import score

        return score
    if name == "open_run":
        from foresight_harness.surface.run import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
