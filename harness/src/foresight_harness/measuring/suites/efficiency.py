"""Suite ``efficiency``: latency of one picture end to end and by stage, throughput, peak memory, parameters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.contracts.specs import GridShape
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.conditioning import build_modules
from foresight_harness.measuring.fitting.adapters import PLACINGS, build_adapter, on_latent_grid
from foresight_harness.measuring.fitting.set_readers import SetReader
from foresight_harness.measuring.suites.memory import PeakMemory
from foresight_harness.parts.statistics.order import median_interval
from foresight_harness.parts.weights.preflight import BYTES

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

BATCH = 8
"""Pictures of one throughput batch."""
WARMUP = 3


def protocol(cell: Cell) -> dict[str, Any]:
    """What latency depends on beside the candidate; the machine's fingerprint stands in the manifest."""
    return {
        "rounds": cell.scale.rounds,
        "warmup": WARMUP,
        "timed_by": getattr(cell.timer, "timed_by", "pytest-benchmark"),
        "batch_latency": 1,
        "batch_throughput": BATCH,
        "device": cell.workshop.options.device,
        "dtype": cell.workshop.options.dtype,
    }


class Stages:
    """A whole pipeline, live, cut into its stages. Adapters are random: time does not depend on their values."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.device = cell.workshop.options.device
        self.specs = {spec.name: spec for stream in cell.candidate.streams for spec in stream.run}
        wanted: dict[str, list[str]] = {name: [] for name in self.specs}
        for stream in cell.candidate.streams:
            for spec in stream.run:
                wanted[spec.name] += stream.ref.taps
        self.taps = wanted
        self.encoders = {name: cell.workshop.pool.get(spec, wanted[name]) for name, spec in self.specs.items()}
        self.decoder = cell.workshop.latents.decoder(cell.candidate.decoder)
        self.own = cell.workshop.latents.conditioned(cell.candidate.decoder)
        first = cell.split("test").take([0]).to(self.device)
        with torch.inference_mode():
            latents = self.decoder.encode(first)
            taps = self.encode(first)
        self.latent = (latents.shape[1], latents.shape[2], latents.shape[3])
        shapes = [[TokenGrid(grid).shape for grid in stream] for stream in taps]
        self.modules = build_modules(cell.candidate, shapes, seed=0).to(self.device).eval()
        with torch.inference_mode():
            conditioning = self.modules(taps, first if self.modules.uses_image else None)
        self.reader, self.adapter = self._adapter(conditioning, latents.shape[-1])

    def _adapter(self, conditioning: Tensor, channels: int) -> tuple[nn.Module, nn.Module]:
        width = conditioning.shape[-1]
        spec = self.cell.candidate
        shape = spec.fusion.output_shape([spec.enhancer.output_shape(stream.shape()) for stream in spec.streams])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if self.own is not None:
                own = self.own.build_adapter(shape, **spec.decoder.adapter_choices)
                return nn.Identity(), own.to(self.device).eval()
            reader = SetReader(width, *self.latent[1:]) if shape.is_set else nn.Identity()
            rows, cols = self.latent[1:] if shape.is_set else (conditioning.shape[2], conditioning.shape[3])
            adapter = build_adapter(spec.decoder, GridShape(rows, cols, width), channels, self.latent[1:])
        return reader.to(self.device).eval(), adapter.to(self.device).eval()

    def encode(self, clips: Tensor) -> list[list[Tensor]]:
        """Stage 1: every encoder, each as deep as its deepest tap."""
        read = {}
        for name in self.cell.candidate.candidate.encoders:
            taps = sorted({tap for s in self.cell.candidate.streams if s.ref.encoder == name for tap in s.ref.taps})
            read.update({(name, tap): grid.tokens for tap, grid in self._read(name, clips, taps).items()})
        return [
            [read[stream.ref.encoder, tap].float() for tap in stream.ref.taps] for stream in self.cell.candidate.streams
        ]

    def _read(self, name: str, clips: Tensor, taps: list[str]) -> dict[str, TokenGrid]:
        """One encoder's grids; a transform of grids reads those of the encoder that it derives from."""
        encoder, spec = self.encoders[name], self.specs[name]
        if spec.inputs == "grids":
            base = self._read(spec.derives_from or "", clips, taps)
            return {tap: encoder.encode(base[tap].tokens, [tap])[tap] for tap in taps}
        if spec.inputs == "masks":  # coverage, then colours: what is timed does not depend on the values
            clips = torch.cat([clips[:, :, :1], clips], dim=2)
        return encoder.encode(clips, taps)

    def enhance(self, taps: list[list[Tensor]], clips: Tensor) -> list[Tensor]:
        """Stage 2: extractors and enhancers."""
        enhanced: list[Tensor] = self.modules.enhanced(taps, clips if self.modules.uses_image else None)
        return enhanced

    def fuse(self, streams: list[Tensor]) -> Tensor:
        """Stage 3: fusion, and the reader of a token set."""
        fused: Tensor = self.reader(self.modules.fusion(streams))
        return fused

    def adapt(self, conditioning: Tensor) -> Tensor:
        """Stage 4: to the decoder's latents; with all steps of a decoder that samples."""
        if self.own is not None:
            return self.own.sample(self.adapter(conditioning), self.latent, range(len(conditioning)))
        spec, frames = self.cell.candidate.decoder, self.latent[0]
        if spec.adapter == "linear":
            placed = PLACINGS[spec.adapter_cells](conditioning, self.latent)
        else:
            placed = on_latent_grid(conditioning, (frames, *conditioning.shape[2:4]))
        adapted: Tensor = self.adapter(placed)
        return adapted

    def decode(self, latents: Tensor) -> Tensor:
        """Stage 5: pixels."""
        return self.decoder.decode(latents)

    def run(self, clips: Tensor) -> Tensor:
        """All stages, synchronised: without that a GPU's time is the launch of its kernels."""
        with torch.inference_mode():
            out = self.decode(self.adapt(self.fuse(self.enhance(self.encode(clips), clips))))
            synchronise(self.device)
        return out

    def params(self) -> dict[str, int]:
        """Parameters by part."""
        return self._counted(lambda facts, taps: int(facts["params"]))

    def params_built(self) -> dict[str, int]:
        """Those that the taps in use need, by part: an encoder may leave out most of a model.

        One that was read deeper by an earlier cell counts what this cell's taps need, where it says so
        (``params_by_tap``), not what it happens to hold.
        """
        return self._counted(lambda facts, taps: built_for(facts, taps))

    def resident_bytes(self, built: Mapping[str, int]) -> float:
        """What the weights of ``params_built`` take: an encoder that was quantised tells what its parameters take."""
        width = BYTES[self.cell.workshop.options.dtype]
        saved = sum(
            built_for(facts, self.taps[name]) * (width - float(facts["bytes_per_param"]))
            for name, facts in ((name, encoder.facts()) for name, encoder in self.encoders.items())
            if "bytes_per_param" in facts
        )
        return sum(built.values()) * width - saved

    def _counted(self, of_encoder: Callable[[Mapping[str, Any], Sequence[str]], int]) -> dict[str, int]:
        encoders = sum(of_encoder(encoder.facts(), self.taps[name]) for name, encoder in self.encoders.items())
        adapter = sum(parameter.numel() for part in (self.reader, self.adapter) for parameter in part.parameters())
        decoder = int(self.decoder.facts()["params"])
        return {"encoder": encoders, **self.modules.counts(), "adapter": adapter, "decoder": decoder}


def built_for(facts: Mapping[str, Any], taps: Sequence[str]) -> int:
    """Parameters of an encoder that reading these taps needs, as far as it tells: else all that it has built."""
    by_tap: Mapping[str, int] = facts.get("params_by_tap", {})
    if taps and all(tap in by_tap for tap in taps):
        return max(by_tap[tap] for tap in taps)
    return int(facts.get("params_built", facts["params"]))


def synchronise(device: str) -> None:
    """Wait for the device."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def live(cell: Cell) -> tuple[Stages, Tensor]:
    """The pipeline in memory, and the first test picture, which it is timed on. [1, T, 3, H_px, W_px]"""
    return Stages(cell), cell.split("test").take([0]).to(cell.workshop.options.device)


def score(cell: Cell) -> Outcome:
    """Time the live pipeline on the first pictures of the test split."""
    if cell.timer is None:
        raise UsageError(
            "the efficiency suite is timed by pytest-benchmark; run it as pytest benchmarks/ without "
            "--benchmark-disable and without -n"
        )
    stages, single = live(cell)
    test = cell.split("test")
    block = test.take([index % len(test) for index in range(BATCH)]).to(cell.workshop.options.device)
    seconds = np.array(cell.timer(lambda: stages.run(single), cell.scale.rounds)) * 1000
    with PeakMemory(cell.workshop.options.device) as memory:
        stages.run(single)
    params, built = stages.params(), stages.params_built()
    resident_mib = stages.resident_bytes(built) / 2**20
    throughput = BATCH / float(np.median(_repeat(lambda: stages.run(block), 5)))
    quantiles = {f"latency_p{q}_ms": float(np.percentile(seconds, q)) for q in (50, 90, 99)}
    low, high = median_interval(seconds)
    details = {"stages_ms": _stages(stages, single), "rounds": len(seconds), "min_ms": float(seconds.min())}
    facts: dict[str, Any] = {"n": len(seconds), "gateable": True}
    measurements = [
        Measurement(
            "latency_p50_ms",
            "ms",
            "lower",
            (0.0, None),
            value=quantiles["latency_p50_ms"],
            interval=(low, high),
            interval_method="order_statistics",
            details=details,
            **facts,
        ),
        Measurement("latency_p90_ms", "ms", "lower", (0.0, None), value=quantiles["latency_p90_ms"], **facts),
        Measurement("latency_p99_ms", "ms", "lower", (0.0, None), value=quantiles["latency_p99_ms"], **facts),
        Measurement("throughput_per_s", "pictures/s", "higher", (0.0, None), value=throughput, n=5),
        Measurement("peak_mib", "MiB", "lower", (0.0, None), value=memory.rise_mib + resident_mib, n=1),
        Measurement("resident_mib", "MiB", "none", (0.0, None), value=resident_mib, n=1, details={"built": built}),
        Measurement("params", "parameters", "none", (0.0, None), value=float(sum(params.values())), n=1),
        Measurement("params_built", "parameters", "none", (0.0, None), value=float(sum(built.values())), n=1),
    ]
    return Outcome(tuple(measurements), params=params)


def _repeat(work: Callable[[], object], rounds: int) -> list[float]:
    work()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def _stages(stages: Stages, clips: Tensor) -> dict[str, float]:
    """Median milliseconds of each stage over a few repeats."""
    spent: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[..., Any], *given: Any) -> Any:
        began = time.perf_counter()
        found = work(*given)
        synchronise(stages.device)
        spent.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return found

    with torch.inference_mode():
        for _ in range(5):
            taps = timed("encode", stages.encode, clips)
            streams = timed("enhance", stages.enhance, taps, clips)
            fused = timed("fuse", stages.fuse, streams)
            latents = timed("adapt", stages.adapt, fused)
            timed("decode", stages.decode, latents)
    return {name: round(float(np.median(times)), 4) for name, times in spent.items()}
