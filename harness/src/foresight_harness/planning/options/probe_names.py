"""Names of the probes, for checks before any work. No torch here; a test holds them to the probes themselves."""

from __future__ import annotations

from difflib import get_close_matches

from foresight_harness.contracts.errors import UsageError

PRIMARY = "dense_ridge"
"""The probe that ranks; docs/measuring.md says why."""

PIXEL_PROBE = "linear_pixels"
"""Reads pixels and no boxes: its number is R2."""

RANKING_PROBES = (PRIMARY, "soft_argmax", "attentive", "conv", "detr", "knn", PIXEL_PROBE)
"""What ``--probe`` offers."""

AUDIT_PROBES = {
    "pooled_mlp": "the mean over tokens forgets where anything was, so a perfect mask scores the floor too",
    "detr_no_position": "attention without positions cannot tell one place from another, so a perfect mask scores the "
    "floor too",
}
"""Probes that do not measure what they claim, with the reason: nothing is ranked by them."""

SEEDED_PROBES = frozenset({*RANKING_PROBES, *AUDIT_PROBES} - {PRIMARY, PIXEL_PROBE})
"""Probes with something random in them: they are fitted with every seed of the scale."""


def checked_probe(name: str) -> str:
    """The name, if scores may be ranked by that probe.

    Raises:
        UsageError: in one line; for an audit-only probe with the reason.
    """
    if name in AUDIT_PROBES:
        raise UsageError(
            f"--probe {name}: for the audit alone, because {AUDIT_PROBES[name]}; "
            "see pytest benchmarks/ --matrix audit, or choose detr, soft_argmax, attentive, conv or knn"
        )
    if name not in RANKING_PROBES:
        near = get_close_matches(name, RANKING_PROBES, n=2) or RANKING_PROBES
        raise UsageError(f"--probe {name}: there is no such probe; choose one of {', '.join(near)}")
    return name
