"""Specs of data sets and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Dataset, Metric

MAX_PIXELS = 120_000_000
"""Greatest picture that is decoded where nothing else is asked: about 1.8 GiB of memory while it is brought to the
canvas."""


@dataclass(frozen=True)
class DataRequest:
    """What the harness asks of a data set."""

    split: Literal["train", "test"]
    count: int | None = None
    """At most that many samples; None is all there are (a generated set needs a count)."""
    seed: int = 0
    path: str | None = None
    """Folder given as ``--dataset NAME:PATH``."""
    canvas_px: int = 224
    """Side of the square that every picture is brought to, so that grids of one set have one shape. Boxes stay true
    because they are relative."""
    frames: int | None = None
    """Frames of a clip, for sets of clips; None is the set's own choice (9 for the built-in ones)."""
    max_pixels: int = MAX_PIXELS
    """Pictures with more pixels are refused before they are decoded."""


@dataclass(frozen=True)
class DatasetSpec:
    """A data set on offer."""

    name: str
    build: Callable[[DataRequest], Dataset]
    labels: frozenset[str] = frozenset()
    """Of ``boxes``, ``masks``, ``motion``: what the samples carry beside the clip."""
    """Where a set is the user's own: what it can carry at most, see ``labels_at``."""
    labels_at: Callable[[str], frozenset[str]] | None = None
    """A cheap look at a path: which labels the set carries there. None: ``labels``, wherever it lies."""
    needs_path: bool = False
    path_is_name: bool = False
    """Whether what follows the colon may be a name that is no file on this machine."""
    video: bool = False
    license: str | None = None
    source: str = ""
    oracle_iou: float = 0.6
    """What a perfect mask, read by the primary probe, scores in IoU on it at least, or the probe is broken there.
    On photographs objects touch and boxes are not tight around masks, so that the ceiling lies lower."""

    def labels_of(self, path: str | None) -> frozenset[str]:
        """What the samples carry beside the clip, of the set at that path."""
        return self.labels if path is None or self.labels_at is None else self.labels_at(path)


@dataclass(frozen=True)
class MetricSpec:
    """A metric on offer: what it compares, in which unit, which way is better."""

    name: str
    build: Callable[[], Metric]
    compares: Literal["boxes", "pictures", "objects", "distributions"]
    """``boxes``: predicted against true boxes; ``pictures``: decoded against target clips; ``objects``: decoded clips
    against target clips with the masks of their objects; ``distributions``: all decoded clips together against all
    targets, by the Frechet distance between features; ``build`` then gives a ``protocols.ClipFeatures``."""
    unit: str
    direction: Literal["higher", "lower"]
    range: tuple[float | None, float | None]
    reference: str
    """Paper or implementation that defines the value."""
    gateable: bool = True
    """False where the value has no meaning beyond ordering within one run."""
    label: str = ""
    """As readers call it; empty is the name in words."""
    family: str = ""
    """What it tells about, across suites; see ``MetricFacts.family``."""
    plain: str = ""
    """What it tells, in words for people who know none of the names; see ``MetricFacts.plain``."""
    version: str = ""
    """Raised by its plugin when the implementation gives other values: part of the protocol of its records, so that
    they are not ranked with those of before. Empty leaves the protocol as it is."""
    on_request: bool = False
    """Scored only where ``--metric`` names it: it costs more than a run should pay unasked. Its definition stands in
    the protocol of its own records alone, so that the others of a run are those of a run without it."""
    coarse: bool = False
    """A share of few facts, each right or wrong: that many samples have one value is no sign of a mean."""
    identity: Callable[[], str] | None = None
    """What else decides the value and is known on this machine only, for the protocol: the hash of the weights that it
    reads. Called in runs alone; may raise a ForesightError."""

    def definition(self) -> str:
        """What decides the value, for the protocol: ``reference``, and ``identity`` where there is one."""
        return self.reference if self.identity is None else f"{self.reference}; {self.identity()}"
