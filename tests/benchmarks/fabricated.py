"""Fabricated studies: run folders with scores that were made up, written by the harness's own writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.contracts.records import Record
from foresight_harness.contracts.records.parts import Axes, LoadedModel
from foresight_harness.measuring.suites.over_time import variants
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.running.run_folder.intervals import summary_of_stats, summary_of_values
from foresight_harness.running.run_folder.samples import rows_digest, sample_rows, write_samples

LTX = "ltx_video"
PRE, POST = "qwen2_5_vl_7b@pre_merge", "qwen2_5_vl_7b@post_merge"
DETECTOR = "owlv2_base_patch16_ensemble"
SINGLE = "identity/single"
PIPELINES = {
    f"{PRE}/{SINGLE}/linear": 0.0,
    f"{POST}/{SINGLE}/linear": -0.02,
    f"{PRE}/{SINGLE}/{LTX}": 0.0,
    f"{POST}/{SINGLE}/{LTX}": -0.02,
    f"{POST}/{SINGLE}/adapter_50m:{LTX}": -0.02,
    f"dinov2_giant@last/{SINGLE}/{LTX}": 0.0,
    f"dinov2_giant@last+{POST}/identity/qformer/{LTX}": 0.02,
    f"{PRE}+{POST}/identity/dual_stream/{LTX}": 0.02,
    f"{POST}/sem/single/{LTX}": 0.01,
    f"{DETECTOR}@boxes/{SINGLE}/linear": 0.0,
    f"{DETECTOR}@boxes+{POST}/identity/concat/{LTX}": 0.02,
}
"""Candidates, and how much better than the first each is."""
CLIPS, STILLS = ("moving_shapes",), ("shapes", "coco")
SHARES = ("iou", "iou_1", "decoded_iou", "edge_f1", "ssim", "object_count_accuracy", "object_steadiness")
"""Metrics whose value is the quality itself."""
LOWER = {"lpips": "distance", "centre_error": "picture sides", "size_error": "ratio"}
"""Metrics of which a perfect candidate has 0, by unit."""


@dataclass(frozen=True)
class Study:
    """What is made up. The defaults are near-perfect numbers of the documents' own pipelines."""

    n: int = 200
    quality: float = 0.95
    twin_quality: float = 0.25
    pixels_quality: float = 0.3
    weights: str = "published"
    """A kind of weights, or ``trusted``: pretrained ones that somebody vouches for."""
    decoders: Mapping[str, str] = field(default_factory=dict)
    """Decoders that stand in for others: ``{"ltx_video": "linear"}``."""
    datasets: Sequence[str] = (*CLIPS, *STILLS)
    from_pixels: bool = False
    """Raw pixels in the place of every encoder."""
    spread: float = 0.01
    twins: bool = True
    latency_ms: float = 900.0
    detector_quality: float | None = float("nan")
    """Of candidates with a detector; NaN is ``quality``, None leaves them out."""

    def write(self, out: Path, name: str = "made_up") -> Path:
        """Write the run and give its folder."""
        folder = RunFolder(out / name)
        writer = _Writer(self, folder)
        for candidate, bonus in PIPELINES.items():
            own = self.detector_quality if DETECTOR in candidate else self.quality
            if own is None:
                continue
            writer.pipeline(self._named(candidate), (self.quality if isnan(own) else own) + bonus, "candidate")
            if self.twins:
                writer.pipeline(_twin(self._named(candidate)), self.twin_quality + bonus, "twin")
        decoders = dict.fromkeys(self._named(one).rpartition("/")[2] for one in PIPELINES)
        for decoder in decoders:
            writer.pipeline(f"pixels@patch/{SINGLE}/{decoder}", self.pixels_quality, "floor")
        folder.write_manifest(
            {
                "status": "complete",
                "started": "2026-01-20T09:00:00Z",
                "scale": "full",
                "suites": ["spatial", "reconstruction", "alignment", "temporal", "efficiency"],
                "protocols": writer.protocols,
                "datasets": [
                    {"name": one, "split": "test", "n": self.n, "fingerprint": digest(one), "video": one in CLIPS}
                    for one in self.datasets
                ],
            }
        )
        return folder.path

    def _named(self, candidate: str) -> str:
        streams, enhancer, fusion, decoder = candidate.split("/")
        if self.from_pixels:
            streams = "+".join("pixels@patch" for _ in streams.split("+"))
        for old, new in self.decoders.items():
            decoder = new if decoder.endswith(old) else decoder
        return "/".join([streams, enhancer, fusion, decoder])


def _twin(candidate: str) -> str:
    streams, _, rest = candidate.partition("/")
    return "/".join(["+".join(f"random:{stream}" for stream in streams.split("+")), rest])


class _Writer:
    def __init__(self, study: Study, folder: RunFolder) -> None:
        self.study, self.folder = study, folder
        self.protocols: dict[str, dict[str, Any]] = {}
        self.written: set[str] = set()
        self.random = np.random.default_rng(0)
        self.scenes = {one: self.random.normal(0, study.spread, study.n) for one in study.datasets}

    @cached_property
    def labels(self) -> Labels:
        """Of every data set alike."""
        names = tuple(f"s{index}" for index in range(self.study.n))
        return Labels(
            names, names, [torch.zeros(1, 4)] * len(names), torch.zeros(len(names), 1, 1, 1, dtype=torch.bool)
        )

    def pipeline(self, candidate: str, quality: float, role: str) -> None:
        """Every suite of a candidate on every data set."""
        for dataset in self.study.datasets:
            clips = dataset in CLIPS
            self.cell(candidate, role, "spatial", dataset, self._boxes(dataset, quality))
            if dataset == "coco":
                continue
            self.cell(candidate, role, "reconstruction", dataset, self._pictures(dataset, quality, clips))
            self.cell(candidate, role, "alignment", dataset, [_whole("cka", "ratio", "higher", quality, self.study.n)])
            if clips:
                self.cell(candidate, role, "temporal", dataset, self._motion(quality))
        if role == "candidate":
            self.cell(candidate, role, "efficiency", self.study.datasets[0], self._costs())

    def cell(self, candidate: str, role: str, suite: str, dataset: str, found: Sequence[Measurement]) -> None:
        """One cell: its sample file and its records."""
        identity = digest({"candidate": candidate, "suite": suite, "dataset": dataset})
        if identity in self.written:
            return
        self.written.add(identity)
        rows = [row for one in found for row in sample_rows(one, self.labels, dataset, "test")]
        facts = {"run": self.folder.run_id, "cell": identity, "candidate": candidate, "suite": suite}
        if rows:
            write_samples(self.folder.path / "samples" / f"{identity}.parquet", rows, facts)
        choices = {"suite": suite, "dataset": dataset, "input": "equal-pixels"}
        if suite in ("reconstruction", "alignment", "efficiency"):
            choices["decoder"] = candidate.rpartition("/")[2].rpartition(":")[2]
        self.protocols[digest(choices)] = choices
        shared = {
            **self._context(candidate, role, suite),
            **{"cell": identity, "dataset": dataset, "protocol": digest(choices), "of_cell": len(found)},
            **{"fingerprint": digest(dataset), "samples_digest": rows_digest(rows) if rows else None},
        }
        self.folder.append_records([self._record(one, shared) for one in found])

    def _context(self, candidate: str, role: str, suite: str) -> dict[str, Any]:
        streams, enhancer, fusion, decoder = candidate.split("/")
        encoders = tuple(dict.fromkeys(stream.partition("@")[0] for stream in streams.split("+")))
        models = [self._model("encoder", name) for name in encoders]
        if suite in ("reconstruction", "alignment", "efficiency"):
            models.append(self._model("decoder", decoder.rpartition(":")[2]))
        sizes = {"adapter": 60_000_000 if decoder.startswith("adapter_50m") else 8_000_000, "encoder": 1, "decoder": 1}
        return {
            "candidate": candidate,
            "axes": Axes(encoders=encoders, enhancer=enhancer, fusion=fusion, decoder=decoder),
            "role": role,
            "suite": suite,
            "provenance": tuple(models),
            "params": sizes,
            "wall_s": 60.0,
            "device": "cuda",
            "status": "ok",
            "controls_ok": True,
        }

    def _model(self, part: str, name: str) -> LoadedModel:
        if name in ("linear", "pixels"):
            return LoadedModel(part=part, name=name, kind="none")
        kind = "random" if name.startswith("random:") else self.study.weights
        trusted = kind == "trusted"
        kind = "pretrained" if trusted else kind
        return LoadedModel(part=part, name=name, kind=kind, sha256="0" * 64, repo=f"made/{name}", trusted=trusted)

    def _record(self, found: Measurement, shared: Mapping[str, Any]) -> Record:
        value, interval, n = found.value, found.interval, found.n or 0
        if found.values is not None or found.stats is not None:
            summary = (
                summary_of_values(found.values, self.labels.groups, 20)
                if found.values is not None
                else summary_of_stats(found.stats or (), self.labels.groups, 20)
            )
            value, n = summary.mean, summary.n
            interval = summary.interval[:2] if summary.interval else None
        known = all(model.kind in ("published", "none") or model.trusted for model in shared["provenance"])
        return Record(
            **shared,
            metric=found.metric,
            probe=found.probe,
            value=value,
            unit=found.unit,
            direction=found.direction,
            range=found.range,
            n=n,
            ci_low=interval[0] if interval else None,
            ci_high=interval[1] if interval else None,
            ci_method="made up",
            ceiling=found.ceiling,
            seeds=(0,),
            per_sample="values" if found.values is not None else "stats" if found.stats else None,
            resamples=200,
            gateable=known and shared["role"] == "candidate",
            details={"fit": {"plateau": True, "steps": 4000, "earlier": []}, **found.details},
        )

    def _boxes(self, dataset: str, quality: float) -> list[Measurement]:
        return [
            *(self._of("iou", dataset, quality, probe="dense_ridge"),),
            *(self._of(name, dataset, quality, probe="dense_ridge") for name in ("centre_error", "size_error")),
            *(self._precision(name, quality) for name in ("map50", "map75")),
        ]

    def _pictures(self, dataset: str, quality: float, clips: bool) -> list[Measurement]:
        named = variants(["lpips"])
        over_time = ("frame_consistency", "object_count_accuracy", "object_steadiness") if clips else ()
        found = [self._of(name, dataset, quality) for name in ("lpips", "ssim", "decoded_iou", "edge_f1")]
        found.append(self._values("psnr", "dB", "higher", (0.0, 100.0), 40 * quality + self.scenes[dataset]))
        found += [self._of(name, dataset, quality, details={"variant": named[name]}) for name in over_time]
        if clips:
            backwards = found[0].values + (0.5 if quality > 0.6 else 0.0) + self.random.normal(0, 0.01, self.study.n)
            found.append(self._values("lpips_reversed", "distance", "none", (0.0, None), np.maximum(backwards, 0)))
            name = "temporal_lpips_variance"
            flicker = 0.1 * (1 - quality) ** 2 + np.abs(self.scenes[dataset]) / 100
            bounds = (0.0, None)
            found.append(self._values(name, "distance^2", "lower", bounds, flicker, details={"variant": named[name]}))
        return found

    def _motion(self, quality: float) -> list[Measurement]:
        """Right or wrong: a good one is always right, a poor one guesses."""
        right = np.ones(self.study.n) if quality > 0.6 else self.random.integers(0, 2, self.study.n).astype(float)
        return [
            self._values(f"{name}_accuracy", "ratio", "higher", (0.0, 1.0), right) for name in ("direction", "ordering")
        ]

    def _costs(self) -> list[Measurement]:
        stages = dict.fromkeys(("encode", "enhance", "fuse", "adapt", "decode"), 100.0)
        middle = self.study.latency_ms
        return [
            Measurement(
                "latency_p50_ms",
                "ms",
                "lower",
                (0.0, None),
                value=middle,
                interval=(0.97 * middle, 1.03 * middle),
                n=30,
                details={"stages_ms": stages},
            ),
            Measurement("peak_mib", "MiB", "lower", (0.0, None), value=30_000.0, n=1),
        ]

    def _of(self, name: str, dataset: str, quality: float, **more: Any) -> Measurement:
        if name in LOWER:
            values = np.clip(0.8 * (1 - quality) + 0.3 * self._scenes(dataset), 0, 1)
            ceiling = 0.02 if name == "lpips" else None
            return self._values(name, LOWER[name], "lower", (0.0, None), values, ceiling=ceiling, **more)
        return self._values(name, "ratio", "higher", (0.0, 1.0), np.clip(quality + self._scenes(dataset), 0, 1), **more)

    def _scenes(self, dataset: str) -> Any:
        """What scenes share, and what they do not: equal differences would be no measurement."""
        return self.scenes[dataset] + self.random.normal(0, self.study.spread / 4, self.study.n)

    def _values(self, name: str, unit: str, direction: str, ends: Any, values: Any, **more: Any) -> Measurement:
        return Measurement(name, unit, direction, ends, values=np.atleast_2d(values), **more)

    def _precision(self, name: str, quality: float) -> Measurement:
        """One object a picture; a poor candidate misses most."""
        hits = self.random.random(self.study.n) < (1.0 if quality > 0.6 else quality)
        stats = [{"scores": [0.9], "hits": [bool(hit)], "objects": 1} for hit in hits]
        return Measurement(name, "ratio", "higher", (0.0, 1.0), stats=[stats], probe="dense_ridge")


def _whole(name: str, unit: str, direction: str, value: float, n: int) -> Measurement:
    """A metric of the whole split."""
    ends = (value - 0.02, value + 0.02)
    return Measurement(name, unit, direction, (None, 1.0), value=value, interval=ends, n=n)
