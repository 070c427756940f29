"""Kind ``audit``: which probes cannot tell a perfect mask from noise, and so what their numbers do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.paired import paired_difference
from foresight_harness.running.run_folder.run_data import RunData, SampleValues

SUITE = "audit"
FLOOR = "mean_box"
ORACLE, SHUFFLED = "oracle@mask", "shuffled@patch"
BLIND = 0.05
"""A probe whose whole interval of oracle less shuffled lies above this can see place; blind ones gain 0.02 at most."""

COLUMNS = (
    Column("probe", "probe"),
    Column("audit_only", "of the documents"),
    Column("stream", "features"),
    Column("dataset", "data set"),
    Column("score", "IoU", "ratio", "higher"),
    Column("above_floor", "above the floor", "ratio", "higher"),
    Column("map50", "AP at 0.5", "ratio", "higher"),
    Column("floor", "floor (best constant box)", "ratio"),
    Column("ceiling", "ceiling (perfect mask)", "ratio"),
    Column("sees_position", "above the floor for sure"),
)


@dataclass(frozen=True)
class Gap:
    """What a probe makes of a perfect mask, less what it makes of tokens in random places."""

    probe: str
    dataset: str
    oracle: float
    shuffled: float
    gap: Measured
    tells: bool | None
    """None where the interval holds ``BLIND``: undecided."""
    audit_only: bool = False
    above: tuple[str, float] | None = None
    """The encoder that scores most among those that surely score more than the perfect mask, and its score."""

    def as_json(self) -> dict[str, Any]:
        """As it stands in ``probes``."""
        return {
            "name": self.probe,
            "dataset": self.dataset,
            "audit_only": self.audit_only,
            "oracle": self.oracle,
            "shuffled": self.shuffled,
            "gap": self.gap.as_json(),
            "tells_oracle_from_shuffled": self.tells,
        }


def analyse(run: RunData) -> Analysis | None:
    """The table of every probe on every stream; None where the audit did not run."""
    records = [record for record in run.select(suite=SUITE, metric="iou") if record.probe]
    if not records:
        return None
    rows = [row for record in records if record.probe != FLOOR for row in _row(run, record)]
    gaps = _gaps(run, records)
    reconstruction = [_pixel_row(record) for record in run.select(suite=SUITE, probe="linear_pixels")]
    finding = " ".join([*_finding(gaps), *_window_sentence(run)])
    return Analysis(
        kind="audit",
        form=2,
        title="Which probes can see where things are?",
        finding=finding or "No control was scored, so nothing can be said about the probes.",
        columns=COLUMNS,
        rows=tuple(rows),
        caveats=_caveats(run, records),
        inputs={
            "suite": SUITE,
            "metric": "iou",
            "seeds": sorted({seed for record in records for seed in record.seeds}),
            "method": "clustered bootstrap over pictures; differences are paired by picture",
            "blind_below": BLIND,
        },
        further={"probes": [gap.as_json() for gap in gaps], "reconstruction": reconstruction},
    )


def stream_of(record: Record) -> str:
    """``encoder@tap`` where nothing stands between it and the probe, else the candidate."""
    axes = record.axes
    plain = axes.enhancer == "identity" and axes.fusion == "single"
    return "+".join(axes.streams) if plain else record.candidate


def _row(run: RunData, record: Record) -> list[Mapping[str, Any]]:
    found = run.values(record)
    floor = _of(run, record.candidate, record.dataset, FLOOR)
    if found is None or floor is None:
        return []
    above = _difference(found, floor)
    oracle = _mean(_of_stream(run, ORACLE, record.dataset, record.probe))
    ap = next(
        iter(
            run.select(
                suite=SUITE,
                metric="map50",
                candidate=record.candidate,
                dataset=record.dataset,
                probe=record.probe,
            )
        ),
        None,
    )
    row = {
        "probe": record.probe,
        "audit_only": run.audit_only(record.probe or ""),
        "stream": stream_of(record),
        "dataset": record.dataset,
        "score": Measured.of(record),
        "above_floor": above,
        "map50": Measured.of(ap) if ap else None,
        "floor": _mean(floor),
        "ceiling": oracle,
        "sees_position": above.low is not None and above.low > 0,
    }
    return [row]


def _pixel_row(record: Record) -> dict[str, Any]:
    return {
        "stream": stream_of(record),
        "dataset": record.dataset,
        "metric": record.metric,
        "score": Measured.of(record).as_json(),
        "floor": record.floor,
        "floor_by": record.floor_by,
    }


def _of(run: RunData, candidate: str, dataset: str, probe: str, metric: str = "iou") -> SampleValues | None:
    found = run.select(suite=SUITE, metric=metric, candidate=candidate, dataset=dataset, probe=probe)
    return run.values(found[0]) if found else None


def _of_stream(run: RunData, stream: str, dataset: str, probe: str | None, metric: str = "iou") -> SampleValues | None:
    for record in run.select(suite=SUITE, metric=metric, dataset=dataset, probe=probe):
        if stream_of(record) == stream:
            return run.values(record)
    return None


def _mean(values: SampleValues | None) -> float | None:
    return None if values is None else float(np.nanmean(values.mean_over_seeds))


def _difference(first: SampleValues, second: SampleValues) -> Measured:
    """First less second, paired by sample.

    Raises:
        ValueError: where they are of different samples.
    """
    if first.samples != second.samples:
        raise ValueError(f"{len(first.samples)} and {len(second.samples)} samples cannot be paired: not the same ones")
    values: tuple[Floats, Floats] = (first.mean_over_seeds, second.mean_over_seeds)
    found = paired_difference(*values, first.groups)
    interval = found.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Measured(found.difference, low, high, found.n, interval.method if interval else None)


def _gaps(run: RunData, records: Sequence[Record]) -> list[Gap]:
    named = ((record.probe, record.dataset) for record in records)
    pairs = dict.fromkeys((probe, dataset) for probe, dataset in named if probe and probe != FLOOR)
    gaps = []
    for probe, dataset in pairs:
        oracle = _of_stream(run, ORACLE, dataset, probe)
        shuffled = _of_stream(run, SHUFFLED, dataset, probe)
        if oracle is None or shuffled is None:
            continue
        gap = _difference(oracle, shuffled)
        tells = None
        if gap.low is not None and gap.high is not None:
            tells = True if gap.low > BLIND else False if gap.high <= BLIND else None
        means = float(_mean(oracle) or 0.0), float(_mean(shuffled) or 0.0)
        above = _above(run, probe, dataset, oracle)
        gaps.append(Gap(probe, dataset, *means, gap, tells, run.audit_only(probe), above))
    return gaps


def _above(run: RunData, probe: str, dataset: str, oracle: SampleValues) -> tuple[str, float] | None:
    """The encoder that a probe surely gives most above what it gives a perfect mask; None where it gives none more."""
    found = []
    for record in run.select(suite=SUITE, metric="iou", dataset=dataset, probe=probe):
        values = run.values(record) if record.is_candidate else None
        if values is None or values.samples != oracle.samples:
            continue
        more = _difference(values, oracle)
        if more.low is not None and more.low > 0:
            found.append((stream_of(record), float(_mean(values) or 0.0)))
    return max(found, key=lambda pair: pair[1], default=None)


def _finding(gaps: Sequence[Gap]) -> list[str]:
    """Sentences that hold for this run, whatever it measured."""
    sentences = []
    for dataset in dict.fromkeys(gap.dataset for gap in gaps):
        here = [gap for gap in gaps if gap.dataset == dataset]
        seeing = [gap for gap in here if gap.tells]
        blind = [gap for gap in here if gap.tells is False]
        unsure = [gap for gap in here if gap.tells is None]
        if seeing:
            sentences.append(f"On {dataset}, {_named(seeing)} tell a perfect mask from tokens in random places.")
        if blind:
            verb = "does" if len(blind) == 1 else "do"
            sentences.append(
                f"On {dataset}, {_named(blind)} {verb} not, so a low IoU or AP of such a probe says nothing about the "
                "encoder."
            )
            sentences += [
                f"{gap.probe} scores {gap.above[1]:.2f} on {gap.above[0]}, more than on a perfect mask: it reads "
                "something there, and not where things are."
                for gap in blind
                if gap.above is not None
            ]
        if unsure:
            sentences.append(f"On {dataset}, more pictures are needed to say so of {_named(unsure)}.")
    return sentences


def _named(gaps: Sequence[Gap]) -> str:
    parts = [f"{gap.probe} ({gap.oracle:.2f} against {gap.shuffled:.2f})" for gap in gaps]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _window_sentence(run: RunData) -> list[str]:
    """What leaving the window order in does to an encoder, where the run holds it both ways."""
    sentences = []
    for record in run.select(suite=SUITE, metric="r2", probe="linear_pixels"):
        stream = stream_of(record)
        if not stream.startswith("window_order:"):
            continue
        straight = stream.removeprefix("window_order:")
        dataset = record.dataset
        parts = []
        for metric, probe, label in (
            ("iou", "dense_ridge", "IoU by dense_ridge"),
            ("r2", "linear_pixels", "R2 of linear reconstruction"),
            ("iou", "pooled_mlp", "IoU by pooled_mlp"),
        ):
            before = _mean(_of_stream(run, straight, dataset, probe, metric))
            after = _mean(_of_stream(run, stream, dataset, probe, metric))
            if before is not None and after is not None:
                parts.append(f"{label} from {before:.2f} to {after:.2f}")
        parts += _lpips_part(run, straight, stream, dataset)
        if parts:
            sentences.append(
                f"Left in window order, the very same tokens of {straight} go in {'; '.join(parts)}: a wrong order "
                "alone looks like lost spatial information (the documents' LPIPS of 1.542 before merging is "
                "consistent with such a grid)."
            )
    return sentences


def _lpips_part(run: RunData, straight: str, scrambled: str, dataset: str) -> list[str]:
    found = {}
    for record in run.select(suite=SUITE, probe="linear_pixels", dataset=dataset):
        if record.metric.startswith("lpips"):
            found[stream_of(record)] = record
    if straight not in found or scrambled not in found:
        return []
    first, second = found[straight], found[scrambled]
    floor = f", mean picture {first.floor:.2f}" if first.floor is not None else ""
    return [f"{first.metric} from {first.value:.2f} to {second.value:.2f}{floor}"]


def _caveats(run: RunData, records: Sequence[Record]) -> tuple[str, ...]:
    caveats = [
        "A score belongs to its probe, its budget and its training pictures: scores of different probes are not "
        "compared, only what each makes of a perfect mask and of noise.",
        "Read against the floor: a trained probe may fall below the best constant box.",
    ]
    if run.manifest.get("scale") == "smoke":
        caveats.append(
            "At smoke scale the detection heads train for 200 steps of 8 pictures: enough to read a perfect mask, not "
            "to read raw pixels."
        )
    if any(record.untrained for record in records):
        caveats.append("Encoders have random or nano weights: the table judges probes, not encoders.")
    return tuple(caveats)
