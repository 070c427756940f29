"""What a plan will take: seconds, memory, disk. Runs nothing, imports no torch."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.parts.controls.specs import INPUT_PX, control_specs
from foresight_harness.planning.candidates import fed_px
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell, in_running_order, pictures_of, tap_bytes
from foresight_harness.running.costs.history import CostBook, First, Predicted
from foresight_harness.running.costs.limits import DTYPE_BYTES, WORKER_BASE_BYTES

if TYPE_CHECKING:  # the cache imports torch
    from foresight_harness.measuring.cache.upkeep import Entry

REFERENCE_S = 0.006
"""Seconds of the product below on the machine of the guesses: one thread of an AMD EPYC with AVX-512."""
PRODUCTS = 0.5
"""Share of a guessed cell that follows the speed of products; pictures, tables and files do not."""
SIDE, ROUNDS = 512, 5
EXTRACTED_AT_ONCE, READ_AT_ONCE = 16, 64
"""Pictures of one forward of an encoder, and of one batch that is read from the cache."""
COPIES = 4
"""Of a batch in flight: as read, moved, through the modules, in double precision."""
PATCHES = ("pixels", "shuffled")
"""Controls whose features weigh something, of suites that have any: as wide as raw patches are."""

Feature = tuple[str, str, str]
"""Encoder, tap, data set."""


@dataclass(frozen=True)
class Prediction:
    """Of a whole session."""

    seconds: float
    low: float
    high: float
    cells: int
    measured: int
    """Cells that the machine has measured the like of; the rest is guessed."""
    memory_bytes: int
    """Of the largest process, at its peak."""
    memory_sum_bytes: int
    """Of all processes of the run, each at its peak."""
    disk_bytes: int
    """That the cache will grow by."""


def predict(
    cells: Sequence[PlannedCell], options: RunOptions, book: CostBook, entries: Sequence[Entry], slowness: float = 1.0
) -> Prediction:
    """What a session with these cells will take.

    Args:
        cells: The plan.
        options: Of the run.
        book: What cells took here before.
        entries: What the cache holds; features are taken for there when their name and their size are.
        slowness: How much longer than the machine of the guesses this one takes; see ``slowness_of_this_machine``.
    """
    missing = missing_features(cells, options, entries)
    parts = [found for _, _, found in by_cell(cells, options, book, missing, slowness)]
    session = _scaled(book.session(options.engine), max(1.0, slowness))  # imports do not follow a product's speed
    workers = options.workers or 1
    memory = memory_of(cells, options)
    return Prediction(
        seconds=session.seconds + sum(part.seconds for part in parts) / workers,
        low=session.low + sum(part.low for part in parts) / workers,
        high=session.high + sum(part.high for part in parts) / workers,
        cells=len(cells),
        measured=sum(part.measured for part in parts),
        memory_bytes=memory,
        memory_sum_bytes=memory if options.engine == "local" else workers * memory + WORKER_BASE_BYTES,
        disk_bytes=sum(missing.values()) + _other_bytes(cells, options, entries),
    )


def missing_features(cells: Sequence[PlannedCell], options: RunOptions, entries: Sequence[Entry]) -> dict[Feature, int]:
    """Bytes of the features that the cache does not hold yet."""
    held: dict[str, int] = {}
    for entry in entries:
        if entry.kind == "features":
            held[entry.of] = held.get(entry.of, 0) + entry.bytes
    missing: dict[Feature, int] = {}
    for cell in cells:
        for control in PATCHES if cell.suite.controls else ():
            size = pictures_of(cell, options.sizes) * _patch_bytes(options)
            if held.get(f"{control}@patch", 0) < 0.9 * size:
                missing[control, "patch", str(cell.dataset)] = size
        for stream in cell.candidate.streams:
            for tap in stream.ref.taps:
                size = tap_bytes(stream, tap, pictures_of(cell, options.sizes), options)
                name = f"{stream.ref.encoder}@{tap}"
                if (stream.ref.encoder, tap, str(cell.dataset)) in missing:
                    continue
                if held.get(name, 0) >= 0.9 * size:
                    continue
                missing[stream.ref.encoder, tap, str(cell.dataset)] = size
    return missing


def by_cell(
    cells: Sequence[PlannedCell],
    options: RunOptions,
    book: CostBook,
    missing: Collection[Feature],
    slowness: float = 1.0,
) -> list[tuple[PlannedCell, First, Predicted]]:
    """Cells in running order, since the first of a kind pays for those that follow, with what each will take."""
    pace = 1 - PRODUCTS + PRODUCTS * slowness
    to_extract = {(encoder, dataset) for encoder, _, dataset in missing}
    opened: set[tuple[str, str]] = set()
    found = []
    for cell in in_running_order(cells):
        dataset = str(cell.dataset)
        wanted = {(stream.ref.encoder, dataset) for stream in cell.candidate.streams}
        kinds = {(cell.suite.name, dataset)}
        if cell.suite.uses_decoder:
            kinds.add((cell.candidate.decoder.base, dataset))
        first = First(not kinds <= opened, bool(wanted & to_extract))
        found.append((cell, first, _scaled(book.predicted(cell, options, first), pace)))
        to_extract -= wanted
        opened |= kinds
    return found


def _scaled(found: Predicted, slowness: float) -> Predicted:
    if found.measured or found.paced:
        return found
    return replace(found, seconds=found.seconds * slowness, low=found.low * slowness, high=found.high * slowness)


def memory_of(cells: Sequence[PlannedCell], options: RunOptions) -> int:
    """Peak memory of one process: libraries, what suites add, and from shapes the larger of two: an encoder with a
    batch of all its planned taps, a batch of streams that is read."""
    taps: dict[str, dict[str, int]] = {}
    towers: dict[str, int] = {}
    read = 0
    for cell in cells:
        batch = 0
        for stream in cell.candidate.streams:
            towers[stream.ref.encoder] = round((stream.encoder.params or 0) * options.encoder_bytes)
            for tap in stream.ref.taps:
                one = tap_bytes(stream, tap, 1, options)
                taps.setdefault(stream.ref.encoder, {})[tap] = one
                batch += one
        read = max(read, READ_AT_ONCE * batch * COPIES)
    extracting = max(
        (towers[name] + EXTRACTED_AT_ONCE * sum(sizes.values()) * COPIES for name, sizes in taps.items()), default=0
    )
    working = max((cell.suite.working_mib for cell in cells), default=0) * 2**20
    return WORKER_BASE_BYTES + max(extracting, read) + working


def _patch_bytes(options: RunOptions) -> int:
    """Of one picture as raw patches."""
    spec = control_specs()[0]
    tap = spec.taps[0]
    return tap.cells(fed_px((spec,), options.feeding) or INPUT_PX) ** 2 * tap.width * options.feature_bytes


def _other_bytes(cells: Sequence[PlannedCell], options: RunOptions, entries: Sequence[Entry]) -> int:
    """Decoded pictures, a byte a number, and latents of decoders, of what does not lie in the cache."""
    held = {entry.kind for entry in entries} | {entry.of for entry in entries if entry.kind == "latents"}
    sizes = options.sizes
    clips: dict[str, int] = {}
    latents: dict[tuple[str, str], int] = {}
    for cell in cells:
        pictures, side = pictures_of(cell, sizes), sizes.clip_px if cell.clips else sizes.canvas_px
        clips[str(cell.dataset)] = pictures * 3 * side**2
        decoder = cell.candidate.decoder
        if cell.suite.uses_decoder and not cell.suite.live_encoder and decoder.base not in held:
            space = decoder.latent_space
            size = pictures * (side // space.stride_px) ** 2 * space.channels * DTYPE_BYTES["float32"]
            latents[decoder.base, str(cell.dataset)] = size
    return sum(latents.values()) + (0 if "clips" in held else sum(clips.values()))


def slowness_of_this_machine() -> float:
    """How much longer a matrix product takes here than where the guesses were made: best of a few, milliseconds.

    Processor time where that is less: what others do at this moment is no property of the machine.
    """
    left = np.ones((SIDE, SIDE), dtype=np.float32)
    best = np.inf
    for _ in range(ROUNDS):
        began, spent = time.perf_counter(), time.process_time()
        left @ left
        best = min(best, time.perf_counter() - began, time.process_time() - spent or np.inf)
    return float(best) / REFERENCE_S
