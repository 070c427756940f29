"""What generated runs hold: metrics with their floors and ceilings, a smoke-like plan, and one of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

METRICS: dict[str, list[tuple[str, str, str, tuple[float, float]]]] = {
    "spatial": [
        ("iou", "ratio", "higher", (0.06, 0.89)),
        ("centre_error", "ratio", "lower", (0.38, 0.03)),
        ("size_error", "ratio", "lower", (0.9, 0.1)),
        ("map50", "ratio", "higher", (0.0, 0.94)),
        ("map75", "ratio", "higher", (0.0, 0.71)),
        ("recall_1", "ratio", "higher", (0.05, 0.98)),
        ("recall_5", "ratio", "higher", (0.02, 0.9)),
    ],
    "reconstruction": [
        ("lpips_random_trunk", "ratio", "lower", (0.71, 0.12)),
        ("psnr", "dB", "higher", (11.2, 29.4)),
        ("ssim", "ratio", "higher", (0.18, 0.91)),
        ("edge_f1", "ratio", "higher", (0.09, 0.86)),
        ("box_iou", "ratio", "higher", (0.06, 0.81)),
    ],
    "alignment": [("cka", "ratio", "higher", (0.0, 1.0)), ("mutual_knn", "ratio", "higher", (0.05, 1.0))],
    "efficiency": [
        ("latency_p50_ms", "ms", "lower", (0.0, 0.0)),
        ("latency_p90_ms", "ms", "lower", (0.0, 0.0)),
        ("latency_p99_ms", "ms", "lower", (0.0, 0.0)),
        ("throughput", "clips/s", "higher", (0.0, 0.0)),
        ("peak_mib", "MiB", "lower", (0.0, 0.0)),
        ("params", "parameters", "none", (0.0, 0.0)),
    ],
}
REFERENCES = {"spatial": ("mean_box", "oracle"), "reconstruction": ("mean_picture", "round_trip")}
PROBES: dict[str, str | None] = {"spatial": "dense_ridge", "alignment": "linear"}


@dataclass(frozen=True)
class Plan:
    """What a generated run holds."""

    encoders: Mapping[str, Sequence[str]]
    enhancers: Sequence[str] = ("identity", "sem")
    fusions: Sequence[str] = ("single",)
    decoder: str = "ltx_video_nano"
    suites: Sequence[str] = tuple(METRICS)
    weights: str = "random"
    limit: int = 10_000
    samples: int = 48
    pictures: int = 12
    pictured: int = 5
    failed: int = 2
    controls: bool = True
    twins: bool = False
    broken: Sequence[str] = ()
    steps: int = 200
    dtype: str = "float32"
    hardware: str = "a3f1c2d4e5f60718"
    name: str = "20261121T004500Z_963ed9c_1a2b"
    shift: float = 0.0
    sampled: int | None = None
    analyses: bool = False


TINY = Plan(
    {"dinov2_tiny": ("block.01", "block.02", "last"), "qwen2_5_vl_tiny": ("post_merge",)},
    samples=12,
    pictures=0,
    failed=0,
)
SMOKE = Plan(
    {
        "dinov2_tiny": ("patch_embed", "block.01", "block.02", "block.03", "last"),
        "qwen2_5_vl_tiny": ("block.03", "pre_merge", "post_merge"),
        "pixels": ("patches",),
    },
    analyses=True,
)


def many(count: int) -> Plan:
    """A plan of ``count`` candidates: ten encoders, and as many combinations as it takes."""
    names: tuple[str, ...] = ("dinov2_base", "dinov2_giant", "qwen2_5_vl_7b", "llava_next_mistral_7b", "internvl2_8b")
    names += ("cogvlm2_chat_19b", "sam_b", "siglip_so400m", "eva02_l", "mae_l")
    return Plan(
        dict.fromkeys(names, ("block.05", "block.11", "last")),
        enhancers=("identity", "bilinear", "sem_coord", "sem_deform", "sem"),
        fusions=("single", "film", "qformer", "perceiver"),
        weights="mixed",
        limit=count,
        samples=8,
        name="20261121T020000Z_963ed9c_3c4d",
        analyses=True,
    )


def digest(*parts: object, length: int = 16) -> str:
    """Hex digits that depend on nothing but the parts."""
    return sha256("\n".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:length]
