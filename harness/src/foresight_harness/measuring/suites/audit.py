"""Suite ``audit``: does a probe measure what it claims? The research documents' probes and ours, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.outcomes import Measurement, Outcome, of_metric
from foresight_harness.measuring.conditioning import Conditioning
from foresight_harness.measuring.suites.probing import box_measurements, fits_of, read_boxes, seeds_of
from foresight_harness.measuring.suites.references import references
from foresight_harness.parts.probes import floor_scores, mean_box_floor
from foresight_harness.parts.probes import probe as probe_of
from foresight_harness.parts.probes.linear_pixels import LinearPixels
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.planning.options.probe_names import AUDIT_PROBES, PIXEL_PROBE, PRIMARY, RANKING_PROBES

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

FLOOR = "mean_box"
"""Not a probe: the constant box that fits the train split best, recorded like one so that differences can be paired."""

OURS, THEIRS = (PRIMARY, "detr"), tuple(AUDIT_PROBES)
"""What is compared at every scale: our primary and our mAP probe, and the documents' two."""

BRIEF: Mapping[str, Recipe] = {
    name: Recipe(steps=200, batch=8, losses=("focal", "l1", "giou"), learning_rate=4e-3)
    for name in ("detr", "detr_no_position")
}
"""At ``smoke``, so that every encoder is read within two minutes on two cores; both heads get the same budget. It is
enough to read a perfect mask (0.48 IoU) and not to read raw pixels."""


def probes_of(cell: Cell) -> tuple[str, ...]:
    """Names of the probes at this scale: all of them where time allows."""
    if cell.scale.name == "smoke":
        return (*OURS, *THEIRS)
    return (*(name for name in RANKING_PROBES if name != PIXEL_PROBE), *THEIRS)


def recipe_of(cell: Cell, name: str) -> Recipe | None:
    """How a probe is trained at this scale; None is its own recipe."""
    return BRIEF.get(name) if cell.scale.name == "smoke" else None


def protocol(cell: Cell) -> dict[str, Any]:
    """What all records share; each probe's own choices stand in its records' protocol."""
    return {"probe_probe": FLOOR, **cell.recipe_for_places().choices()}


def score(cell: Cell) -> Outcome:
    """Read one candidate by every probe; nothing is judged here, the analysis compares candidates."""
    names = probes_of(cell)
    fits = fits_of(cell, sorted({*cell.seeds, *(seed for name in names for seed in seeds_of(cell, name))}))
    measurements = [_floor(cell)]
    for name in names:
        make = partial(probe_of, name, recipe_of(cell, name))
        reading = read_boxes(cell, make, seeds_of(cell, name), fits)
        found = box_measurements(cell, reading, thresholds=("map50",))
        measurements += [replace(entry, probe_choices=reading.choices, gateable=False) for entry in found]
    fitted = fits[cell.seeds[0]]
    train, test = (fitted.conditioning(cell.streams(split), str(cell.candidate)) for split in ("train", "test"))
    measurements += _pixels(cell, train, test)
    return Outcome(tuple(measurements), params=fitted.params())


def _floor(cell: Cell) -> Measurement:
    """Per-sample IoU of the uninformed answer."""
    train, test = cell.split("train").labels, cell.split("test").labels
    return Measurement(
        metric="iou",
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        values=np.asarray(floor_scores(mean_box_floor(train), test))[None],
        probe=FLOOR,
        gateable=False,
    )


def _pixels(cell: Cell, train: Conditioning, test: Conditioning) -> list[Measurement]:
    """The documents' other number: pictures that each token's linear map says, patch by patch (E1.2).

    A grid whose tokens stand in the wrong places loses what they hold of their own patch, whatever the encoder saw.
    """
    probe = LinearPixels()
    probe.fit(train, cell.split("train").batches(train.batch))
    shared: dict[str, Any] = {"probe": probe.name, "probe_choices": probe.choices()}
    r2 = probe.r2(test, cell.split("test").batches(test.batch))
    measurements = [
        Measurement("r2", "ratio", "higher", (None, 1.0), values=r2[None], floor=0.0, floor_by="mean_colour", **shared)
    ]
    known = references(cell)
    size = (known.targets.shape[-2], known.targets.shape[-1])
    said = probe.pictures(TensorBatches(test.take(range(len(known.targets)))), size)
    targets = known.targets if known.targets.shape[1] == 1 else known.targets[:, -1:]
    for spec in cell.bench.registry.metrics.values():
        if spec.compares == "pictures" and spec.name.startswith("lpips"):
            values = np.full((1, len(cell.split("test"))), np.nan)
            values[0, : len(said)] = known.built[spec.name](said, targets).numpy()
            floor = {"floor": known.floor[spec.name], "floor_by": "mean_picture"}
            measurements.append(of_metric(spec, values, **floor, **shared))
    return [replace(entry, gateable=False) for entry in measurements]
