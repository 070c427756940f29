"""Probes: small readouts of frozen features, each with a name and with everything that decides its number."""

from __future__ import annotations

from foresight_harness.parts.probes.base import Detections, Probe
from foresight_harness.parts.probes.boxes import floor_scores, mean_box_floor
from foresight_harness.parts.probes.matching import detection_scores, matched_iou
from foresight_harness.parts.probes.registry import PROBES, probe

__all__ = [
    "PROBES",
    "Detections",
    "Probe",
    "detection_scores",
    "floor_scores",
    "matched_iou",
    "mean_box_floor",
    "probe",
]
