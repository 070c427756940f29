"""The phases of a plan on a card: what each takes, what bounds it, and what of it was never measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foresight_harness.contracts.specs import GridShape
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell, pictures_of, tap_bytes
from foresight_harness.running.card_plans.cards import Card
from foresight_harness.running.card_plans.counting import ModuleWork, Work, encoder_work, module_work
from foresight_harness.running.costs.limits import DTYPE_BYTES
from foresight_harness.running.costs.predicting import EXTRACTED_AT_ONCE

ARITHMETIC, BANDWIDTH, LAUNCH_S = 0.4, 0.7, 6e-6
"""Share of the peaks that is reached, and seconds of launching a kernel. Rules of thumb, not measured here: large
training runs report 0.3 to 0.5 of peak arithmetic, streaming kernels 0.7 to 0.9 of bandwidth, launches 5 to 10 us."""
BACKWARD = 3
"""A training step over a forward: once forward, twice back."""
ADAM_BYTES = 16
"""Of a trained parameter: itself, gradient, two moments, in single precision."""
COPIES = 4
"""Of a batch in flight."""
EXTRACT, FIT, SCORE = "extract", "fit", "score"


@dataclass(frozen=True)
class Phase:
    """One phase on the card."""

    name: str
    work: Work
    seconds: float
    bound_by: str
    """``arithmetic``, ``memory`` or ``launching``: which of the three takes longest."""

    @property
    def hours(self) -> float:
        """On one card."""
        return self.seconds / 3600


@dataclass(frozen=True)
class CardPlan:
    """What a plan takes on one card."""

    card: Card
    phases: tuple[Phase, ...]
    memory_bytes: int
    """Of the card, at the peak of the phase that needs most."""
    disk_bytes: int
    factor: float = 1.0
    """Measured over counted, of a run on such a card; 1 where none was given."""
    never_measured: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of all phases, corrected by what was measured."""
        return self.factor * sum(phase.seconds for phase in self.phases)

    @property
    def gpu_hours(self) -> float:
        """Of one card."""
        return self.seconds / 3600

    @property
    def fits(self) -> bool:
        """Whether the card's memory holds it."""
        return self.memory_bytes <= 1e9 * self.card.memory_gb


@dataclass
class _Tally:
    """What is counted while cells are walked."""

    works: dict[tuple[str, str], Work] = field(default_factory=dict)
    """By phase and type of numbers."""
    memory: int = 0
    unknown: dict[str, None] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Fits that are counted."""

    def add(self, phase: str, dtype: str, work: Work) -> None:
        self.works[phase, dtype] = self.works.get((phase, dtype), Work()).plus(work)

    def say(self, line: str) -> None:
        self.unknown[line] = None

    def needs(self, size: float) -> None:
        self.memory = max(self.memory, int(size))


def plan_for(
    card: Card,
    cells: Sequence[PlannedCell],
    options: RunOptions,
    disk_bytes: int,
    *,
    forwards: Mapping[str, int] | None = None,
) -> CardPlan:
    """Count a plan and divide by the card's figures.

    Args:
        card: Its figures.
        cells: The plan.
        options: Of the run: type of numbers, sizes.
        disk_bytes: That the features take.
        forwards: Pictures that really went through each encoder, of a run that was; None counts every picture once.
    """
    tally = _Tally()
    _extract(tally, cells, options, forwards)
    for cell in _distinct(cells):
        _fit_and_score(tally, cell, options)
    phases = []
    for name in (EXTRACT, FIT, SCORE):
        parts = [(dtype, work) for (phase, dtype), work in tally.works.items() if phase == name]
        phases.append(_phase(card, name, parts))
    return CardPlan(card, tuple(phases), tally.memory, disk_bytes, never_measured=tuple(tally.unknown))


def _phase(card: Card, name: str, parts: Sequence[tuple[str, Work]]) -> Phase:
    times = {"arithmetic": 0.0, "memory": 0.0, "launching": 0.0}
    total, seconds = Work(), 0.0
    for dtype, work in parts:
        own = {
            "arithmetic": work.flops / (ARITHMETIC * card.flops(dtype)),
            "memory": work.bytes / (BANDWIDTH * 1e9 * card.bandwidth_gb_s),
            "launching": work.calls * LAUNCH_S,
        }
        seconds += max(own.values())
        total = total.plus(work)
        times = {key: times[key] + own[key] for key in times}
    return Phase(name, total, seconds, max(times, key=lambda key: times[key]) if seconds else "nothing")


def _extract(
    tally: _Tally, cells: Sequence[PlannedCell], options: RunOptions, forwards: Mapping[str, int] | None
) -> None:
    width = DTYPE_BYTES[options.dtype]
    passes: dict[tuple[str, str], tuple[PlannedCell, set[str], int]] = {}
    for cell in cells:
        for stream in cell.candidate.streams:
            source = stream.run[-1]
            if source.inputs == "clips":
                key = (source.name, str(cell.dataset))
                _, taps, side = passes.get(key, (cell, set(), stream.side_px(options.feeding)))
                passes[key] = (cell, taps | set(stream.ref.taps), side)
    specs = {stream.run[-1].name: (stream.run[-1], stream) for cell in cells for stream in cell.candidate.streams}
    for (name, _), (cell, taps, side) in passes.items():
        spec, stream = specs[name]
        found = encoder_work(spec, sorted(taps), side, width)
        pictures = pictures_of(cell, options.sizes)
        if forwards is not None:
            sets = sum(other == name for other, _ in passes)
            pictures = round(forwards.get(name, 0) / sets)
        tally.add(EXTRACT, options.dtype, found.work.times(pictures))
        known = {tap.name for tap in stream.encoder.taps}
        kept = sum(tap_bytes(stream, tap, 1, options) for tap in taps & known)
        tally.needs(round(found.params * options.encoder_bytes) + EXTRACTED_AT_ONCE * COPIES * kept)
        if not found.counted:
            tally.say(f"operations of {name}: it has no numbered blocks, its parameters and tokens stand for them")


def _distinct(cells: Sequence[PlannedCell]) -> list[PlannedCell]:
    found = {(str(cell.candidate), cell.suite.name, str(cell.dataset)): cell for cell in cells}
    return list(found.values())


def _fit_and_score(tally: _Tally, cell: PlannedCell, options: RunOptions) -> None:
    sizes, candidate = options.sizes, cell.candidate
    if cell.suite.live_encoder:
        tally.say(f"suite {cell.suite.name}: it measures time, and is not counted")
        return
    latents = _latents(cell, options) if cell.suite.uses_decoder else None
    found = module_work(candidate, _taps(cell, options), latents)
    if found is None:
        tally.say(f"modules of {candidate}: they cannot be run without values")
        return
    clips = cell.clips
    train, test = (sizes.clips_train, sizes.clips_test) if clips else (sizes.train, sizes.test)
    trained = candidate.trainable or (latents is not None and candidate.decoder.adapter != "linear")
    seeds = (1 if cell.suite.first_seed_only else sizes.seeds) if trained else 1
    if trained and _is_first(tally, cell, latents):
        step = Work(found.work.flops, found.work.bytes).times(BACKWARD * sizes.batch)
        step = step.plus(Work(0.0, ADAM_BYTES * found.params, BACKWARD * found.work.calls))
        tally.add(FIT, "float32", step.times(sizes.steps * seeds))
        tally.needs(ADAM_BYTES * found.params + sizes.batch * found.written)
    batch = 64
    forward = Work(found.work.flops, found.work.bytes, found.work.calls / batch).times((train + test) * seeds)
    tally.add(SCORE, "float32", forward.plus(_readout(found, train).times(seeds)))
    tally.needs(4 * found.params + batch * found.written / COPIES)
    if cell.suite.uses_decoder:
        _decode(tally, cell, options, seeds)


def _is_first(tally: _Tally, cell: PlannedCell, latents: GridShape | None) -> bool:
    """Whether no cell before asked for the same fit."""
    one = cell.candidate.candidate
    key = repr((one.streams, one.enhancer, one.fusion, one.decoder if latents else None, str(cell.dataset)))
    first = key not in tally.made
    tally.made.add(key)
    return first


def _readout(found: ModuleWork, train: int) -> Work:
    """Moments of a linear readout over the training split, and one decomposition."""
    rows = train * found.cells
    return Work(2.0 * rows * found.width**2 + 10.0 * found.width**3, 4.0 * rows * found.width, 100.0)


def _decode(tally: _Tally, cell: PlannedCell, options: RunOptions, seeds: int) -> None:
    """A sampler's transformer from its parameters; of convolutional decoders nothing is known but that."""
    decoder, pictures = cell.candidate.decoder, options.sizes.pictures
    latents = _latents(cell, options)
    steps = decoder.config.get("steps", 1) if decoder.adapter == OWN else 1
    params = decoder.params or 0
    if params:
        tally.add(SCORE, options.dtype, Work(2.0 * params * latents.cells * int(steps)).times(pictures * seeds))
        tally.needs(params * DTYPE_BYTES[options.dtype])
        tally.say(f"decoder {decoder.base}: counted from its parameters and latent cells; convolutions take more")


def _latents(cell: PlannedCell, options: RunOptions) -> GridShape:
    sizes, space = options.sizes, cell.candidate.decoder.latent_space
    side = max(1, (sizes.clip_px if cell.clips else sizes.canvas_px) // space.stride_px)
    return GridShape(side, side, space.channels, space.frames(sizes.frames) if cell.clips else 1)


def _taps(cell: PlannedCell, options: RunOptions) -> list[list[GridShape]]:
    found = []
    for stream in cell.candidate.streams:
        side, taps = stream.side_px(options.feeding), [stream.encoder.tap(name) for name in stream.ref.taps]
        frames = options.sizes.frames if cell.clips else 1
        found.append(
            [GridShape(tap.cells(side), tap.cells(side), tap.width, -(-frames // tap.stride_frames)) for tap in taps]
        )
    return found
