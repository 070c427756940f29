"""Where the store closes a shard changes no number: every suite and every probe, over tiny shards and over one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.measuring.cache import store as store_module
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.conditioning import StreamSet
from foresight_harness.measuring.extraction import DecodedSplit
from foresight_harness.measuring.fitting.fitted import FitRequest
from foresight_harness.measuring.suites import audit
from foresight_harness.measuring.suites import kept_tokens as keeping
from foresight_harness.measuring.suites.specs import suite_specs
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.parts.probes.linear_pixels import LinearPixels
from foresight_harness.parts.probes.specs import probe_specs
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.planning.options import DatasetChoice, scale

TINY = 4096
"""Bytes: every picture, and every batch that an encoder gives, becomes a shard of its own."""
SIZES: dict[str, Any] = {"train": 20, "test": 18, "clips_train": 18, "clips_test": 17, "rounds": 3}
"""No multiple of the 16 pictures that are encoded at once, and more than that."""
PICTURE_PX = 64
RECIPE = Recipe(steps=2, batch=6, losses=("focal", "l1", "giou"))
PIXEL_PROBE = "linear_pixels"
PROBES = {spec.name: spec for spec in probe_specs()}
CANDIDATE = "shuffled@patch/identity/single/linear"
OF_CLIPS = ("temporal", "verification", "prediction")
"""Suites that have nothing to ask of pictures."""


@pytest.fixture
def small(few_pictures: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **SIZES))
    monkeypatch.setattr(audit, "probes_of", lambda offers, scale: [PROBES["dense_ridge"], PROBES["knn"]])
    # Maps are functions of the tokens that are kept beside them, and would take as long as all the rest.
    monkeypatch.setattr(keeping, "find_spec", lambda name: None)
    monkeypatch.setattr(keeping, "tsne", lambda tokens, seed: tokens[:, :2])


@contextmanager
def shards_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "SHARD_BYTES", size)
        yield


def most_shards(cache: Path) -> int:
    return max(len(list(index.parent.glob("shard-*"))) for index in cache.rglob("index.json"))


def timer(work: Callable[[], object], rounds: int) -> list[float]:
    began = time.perf_counter()
    work()
    return [time.perf_counter() - began] * rounds


def numbers(outcome: Outcome, *, timed: bool) -> dict[str, Any]:
    """Everything that was measured, exactly; of timed suites what does not change from run to run."""
    found: dict[str, Any] = {"params": dict(outcome.params), "controls": outcome.controls_ok}
    for place, one in enumerate(outcome.measurements):
        values = None if one.values is None else one.values.tobytes()
        number = None if timed else (values, repr(one.value), one.interval, repr(one.stats), one.null, one.floor)
        found[f"{place} {one.metric} {one.probe}"] = (one.seeds, one.n, number)
    return found | {f"tokens {kept.part}": kept.features.tobytes() for kept in outcome.tokens}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", [spec.name for spec in suite_specs()])
def test_a_suite_scores_the_same_over_tiny_shards(
    name: str,
    make_keeper,
    builtins,
    planned,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    clips = name in OF_CLIPS
    choice = DatasetChoice("moving_shapes" if clips else "shapes")
    found, shards = [], []
    for size in (store_module.SHARD_BYTES, TINY):
        with shards_of(size):
            cache = tmp_path / f"cache-{size}"
            keeper = make_keeper(cache=cache, datasets=(choice,), picture_px=PICTURE_PX, probes=(PIXEL_PROBE,))
            cell = replace(planned(builtins, CANDIDATE, name, str(choice)), clips=clips)
            keeper.plan([cell])
            found.append(numbers(keeper.run_cell(cell, timer), timed=name == "efficiency"))
            shards.append(most_shards(cache) if any(cache.rglob("index.json")) else 1)
    assert found[0] == found[1]
    assert len(found[0]) > 2
    assert shards[0] == 1
    assert shards[1] > 2 or name == "efficiency"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, builtins):  # type: ignore[no-untyped-def]
    """Train and test split of ``shapes`` as raw patches, in one shard each and in tiny ones: (splits, streams)."""
    from foresight_harness.contracts.progress import silent
    from foresight_harness.planning.candidates import parse_candidate, resolve
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.running.keeper import RunKeeper

    candidate = resolve(parse_candidate(CANDIDATE), builtins)
    choice = DatasetChoice("shapes")
    cells = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **SIZES))
        for size in (store_module.SHARD_BYTES, TINY):
            place = tmp_path_factory.mktemp("shards")
            options = RunOptions(datasets=(choice,), picture_px=PICTURE_PX, out=place / "runs", cache=place / "cache")
            with shards_of(size):
                cell = Cell(
                    RunKeeper(builtins, options, silent(), "").workshop, candidate, builtins.suite("spatial"), choice
                )
                streams = {name: cell.streams(name) for name in ("train", "test")}
                fitted = cell.fitted_for_places(0)
                cells.append((cell, {name: fitted.conditioning(one, "") for name, one in streams.items()}))
    return cells


@pytest.mark.parametrize("name", sorted(PROBES))
def test_a_probe_reads_the_same_over_tiny_shards(name: str, read) -> None:  # type: ignore[no-untyped-def]
    found = []
    for cell, features in read:
        train, test = cell.split("train"), cell.split("test")
        if PROBES[name].reads == "pixels":
            pixels = PROBES[name].of_pixels()
            pixels.fit(features["train"], train)
            found.append(pixels.r2(features["test"], test).tobytes())
            continue
        one: Any = PROBES[name].of_boxes()
        if hasattr(one, "_recipe"):
            one._recipe = RECIPE
        one.fit(features["train"], train.labels, seed=0)
        boxes = one.predict(features["test"], test.labels.object_counts())
        found.append([(each.boxes.numpy().tobytes(), each.scores.numpy().tobytes()) for each in boxes])
    assert found[0] == found[1]
    assert [len(cell.split("train").clips.files) for cell, _ in read] == [1, SIZES["train"]]


def exchanged(grids: CachedGrids) -> CachedGrids:
    """The same grids under the names of samples in another order."""
    return replace(grids, ids=(grids.ids[1], grids.ids[0], *grids.ids[2:]))


def test_streams_of_samples_in_another_order_are_refused(read) -> None:  # type: ignore[no-untyped-def]
    features = read[0][1]
    streams = features["train"].streams
    ((grids,),) = streams.taps
    with pytest.raises(GridError, match=r"sample 0 is .* in one stream and .* in another"):
        StreamSet(((exchanged(grids),),), streams.split)
    with pytest.raises(GridError, match=r"streams of \[18\] samples cannot be read beside 20 pictures"):
        StreamSet(features["test"].streams.taps, streams.split)


def test_targets_of_other_samples_are_refused_before_a_fit(read) -> None:  # type: ignore[no-untyped-def]
    cell, features = read[0]
    of = {name: cell.workshop.latents.of(cell.candidate.decoder, cell.split(name)) for name in ("train", "test")}
    for latents, message in ((of["test"], "20 samples beside 18"), (exchanged(of["train"]), "sample 0 is")):
        with pytest.raises(GridError, match=f"fit of shuffled@patch.*: {message}"):
            FitRequest(cell.candidate, features["train"].streams, "latents", RECIPE, 0, latents)


def test_labels_and_pictures_of_other_samples_are_refused_by_probes(read) -> None:  # type: ignore[no-untyped-def]
    cell, features = read[0]
    split: DecodedSplit = cell.split("train")
    labels = replace(split.labels, ids=split.labels.ids[::-1])
    with pytest.raises(GridError, match="probe dense_ridge: sample 0 is"):
        PROBES["dense_ridge"].of_boxes().fit(features["train"], labels, seed=0)
    with pytest.raises(GridError, match="probe linear_pixels: sample 0 is"):
        LinearPixels().fit(features["train"], replace(split, labels=labels))
    with pytest.raises(GridError, match="probe linear_pixels: 20 samples beside 18"):
        LinearPixels().fit(features["train"], cell.split("test"))


@pytest.mark.usefixtures("small")
def test_a_planted_misaligned_batch_fails_the_cell_in_one_line(
    make_keeper,
    builtins,
    planned,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    keeper = make_keeper()
    cell = planned(builtins, CANDIDATE, "alignment")
    keeper.plan([cell])
    true_latents = keeper.workshop.latents.of

    def misaligned(spec: Any, split: DecodedSplit) -> CachedGrids:
        grids = true_latents(spec, split)
        return exchanged(grids) if split.split == "test" else grids

    monkeypatch.setattr(keeper.workshop.latents, "of", misaligned)
    with pytest.raises(GridError, match="alignment of shuffled@patch/identity/single/linear: sample 0 is") as caught:
        keeper.run_cell(cell)
    assert "\n" not in str(caught.value)
    (record,) = keeper.folder.records()
    assert (record.status, record.suite) == ("failed", "alignment")
