"""Decoded splits: every picture is decoded once, kept as 8-bit clips in the store, and streamed from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.pairing import placed
from foresight_harness.contracts.protocols import Dataset, Sample
from foresight_harness.contracts.specs import DataRequest, DatasetSpec
from foresight_harness.contracts.specs.data import MAX_PIXELS
from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction.called_dataset import CalledDataset
from foresight_harness.measuring.extraction.held_out import PartOfTraining
from foresight_harness.measuring.extraction.kept_labels import keep_labels, kept_labels, labels_key
from foresight_harness.measuring.extraction.kept_prints import kept_prints
from foresight_harness.measuring.extraction.leaks import require_apart, together
from foresight_harness.measuring.extraction.spot_checks import SpotChecks, chosen, same_clip
from foresight_harness.parts.datasets.equal_pictures import Prints
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.sample_checks import SampleChecks
from foresight_harness.parts.datasets.scenes import painted
from foresight_harness.planning.options import DatasetChoice, RunOptions, Scale
from foresight_harness.planning.registry import Registry

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")

READ_AT_ONCE = 64
"""Clips of one batch where nobody says how many."""


@dataclass(frozen=True)
class DecodedSplit:
    """Clips and labels of one split of one data set."""

    dataset: str
    split: Split
    fingerprint: str
    labels: Labels
    clips: StoredArray
    """[n, T, 3, H_px, W_px] uint8"""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What of its source the data set did not take, and how many."""
    remarks: tuple[str, ...] = ()
    """What else it has to say of its source."""
    remade: bool = False
    """Whether its samples were others than the cache held under the same fingerprint: what was made of those is not
    what would be made of these."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def ids(self) -> tuple[str, ...]:
        """Name of each sample."""
        return self.labels.ids

    def __iter__(self) -> Iterator[Tensor]:
        return self.batches(READ_AT_ONCE)

    def batches(self, size: int) -> Iterator[Tensor]:
        """Clips in order, in [0, 1]. [b, T, 3, H_px, W_px] float32"""
        for block in self.clips.batches(size):
            yield block.float() / 255

    def take(self, indices: Sequence[int]) -> Tensor:
        """Clips of these samples, in [0, 1]. [len(indices), T, 3, H_px, W_px] float32"""
        return self.clips.take(indices).float() / 255

    def scene_batches(self, size: int) -> Iterator[Tensor]:
        """Union of the objects' masks and the painted scene, for encoders that read masks.

        [b, T, 4, H_px, W_px] float32
        """
        for place, clips in placed(f"masks of {self.dataset}/{self.split}", self.batches(size), len(self.labels)):
            yield painted(clips, self.labels.foreground[place])


@dataclass
class Splits:
    """The splits of a run, decoded when first asked for."""

    registry: Registry
    options: RunOptions
    store: ArrayStore
    checks: SpotChecks = field(default_factory=SpotChecks)
    _decoded: dict[tuple[str, Split], DecodedSplit] = field(default_factory=dict)
    _unusable: dict[tuple[str, Split], str] = field(default_factory=dict)
    """Why a split cannot be decoded, so that not every cell reads thousands of pictures up to the bad one."""
    _built: dict[tuple[str, Split], Dataset] = field(default_factory=dict)
    _prints: dict[tuple[str, Split], Prints] = field(default_factory=dict)

    def built(self, choice: DatasetChoice, split: Split) -> Dataset:
        """The data set as its plugin builds it; its annotations are checked here, its pictures when they are decoded.

        Raises:
            DataError: naming the file.
        """
        key = (str(choice), split)
        if key not in self._built:
            self._built[key] = self._part(choice, split) if self.options.held_out else self._whole(choice, split)
        return self._built[key]

    def _whole(self, choice: DatasetChoice, split: Split, sizes: Scale | None = None) -> Dataset:
        spec, options = self.registry.dataset(choice.name), self.options
        made = spec.build(request_of(spec, sizes or options.sizes, split, choice.path, options.max_pixels))
        return CalledDataset(made, choice.name)  # type: ignore[return-value]

    def _part(self, choice: DatasetChoice, split: Split) -> Dataset:
        """A part of the training split that stands for a split: ``train`` and ``test`` of the sizes share it."""
        sizes = self.options.sizes
        whole = replace(sizes, train=sizes.train + sizes.test, clips_train=sizes.clips_train + sizes.clips_test)
        video = self.registry.dataset(choice.name).video
        share = sizes.clips_train / whole.clips_train if video else sizes.train / whole.train
        return PartOfTraining(self._whole(choice, "train", whole), split, share)

    def decoded(self, choice: DatasetChoice, split: Split) -> DecodedSplit:
        """Clips and labels. Raises: DataError naming the file that cannot be read; again at once when asked again."""
        key = (str(choice), split)
        if key in self._unusable:
            raise DataError(self._unusable[key])
        if key not in self._decoded:
            try:
                self._decoded[key] = self._decode(choice, split)
            except DataError as error:
                self._unusable[key] = str(error)
                raise
        return self._decoded[key]

    def known(self) -> list[DecodedSplit]:
        """Splits that were decoded so far."""
        return list(self._decoded.values())

    def _decode(self, choice: DatasetChoice, split: Split) -> DecodedSplit:
        dataset = self.built(choice, split)
        choices = {"kind": "clips", "fingerprint": dataset.fingerprint}
        key = content_key(choices)
        owner = self.registry.owner("dataset", choice.name)
        looked = SampleChecks(f"{choice.name} of plugin {owner.name!r}", split)
        contradictions: tuple[str, ...] = ()
        clips, labels = self.store.open(key), kept_labels(self.store, dataset.fingerprint)
        remade = clips is not None and labels is not None and self._is_other(dataset, clips, labels)
        if remade:
            self._discard(dataset.fingerprint)
            clips = labels = None
        if clips is None or labels is None:
            with self.store.lock(key):
                # Another process may have decoded them while we waited.
                clips, labels = self.store.open(key), kept_labels(self.store, dataset.fingerprint)
                if clips is None:
                    with self.store.writer(key, choices) as writer:
                        labels = labels_of(_Spooled(dataset, writer.add, looked))
                        contradictions = looked.end()
                    clips = self.store.open(key)
                    assert clips is not None  # just written
                if labels is None:
                    labels = labels_of(dataset)
                keep_labels(self.store, dataset.fingerprint, labels)
        left_out, remarks = dict(getattr(dataset, "left_out", {})), tuple(getattr(dataset, "remarks", ()))
        remarks += contradictions
        prints = kept_prints(self.store, dataset.fingerprint, labels.ids, clips)
        labels, said = together(labels, prints)
        remarks = (*remarks, *said)
        found = DecodedSplit(choice.name, split, dataset.fingerprint, labels, clips, left_out, remarks, remade)
        self._prints[(str(choice), split)] = prints
        return self._apart(choice, found)

    def _apart(self, choice: DatasetChoice, found: DecodedSplit) -> DecodedSplit:
        """The split, where it shares no picture with the other one as far as that is known. Raises: DataError."""
        other = self._decoded.get((str(choice), "test" if found.split == "train" else "train"))
        if other is None or self.options.held_out:  # parts of one split: what is chosen by them claims nothing
            return found
        prints = {split: self._prints[(str(choice), split)] for split in SPLITS}
        train, test = (found, other) if found.split == "train" else (other, found)
        who = f"data set {choice.name} of plugin {self.registry.owner('dataset', choice.name).name!r}"
        try:
            said = require_apart(who, (train.labels, prints["train"]), (test.labels, prints["test"]))
        except DataError as error:  # what was decoded first is as bad as what came second
            self._unusable[(str(choice), other.split)] = str(error)
            raise
        return replace(found, remarks=(*found.remarks, *said))

    def _is_other(self, dataset: Dataset, clips: StoredArray, labels: Labels) -> bool:
        """Whether two samples are not what the cache holds under the data set's fingerprint. Said where they are."""
        where = f"data set {dataset.name}/{dataset.split}"
        if not self.checks.due(where, dataset.name, dataset.fingerprint, clips):
            return False
        if len(dataset) != len(clips):
            reason = f"has {len(dataset)} samples, and the cache {len(clips)}"
        else:
            places = chosen(len(clips))
            self.checks.checked += len(places)
            differ = [place for place in places if not _same(dataset[place], clips, labels, place)]
            if not differ:
                return False
            reason = f"gives another sample {labels.ids[differ[0]]} than the cache holds"
        self.checks.found(
            where,
            f"{where} {reason}, under the same fingerprint: decoded anew, with everything that was made of it; its "
            "fingerprint must change with its content",
        )
        return True

    def _discard(self, fingerprint: str) -> None:
        """Remove the clips and labels of a fingerprint."""
        for key in (content_key({"kind": "clips", "fingerprint": fingerprint}), labels_key(fingerprint)):
            with self.store.lock(key):
                self.store.discard(key)


def _same(sample: Sample, clips: StoredArray, labels: Labels, place: int) -> bool:
    """Whether a sample is the one that was kept: name, boxes and every pixel."""
    clip = (sample.clip * 255).round().to(torch.uint8)
    boxes = sample.boxes[-1].float().reshape(-1, 4)
    known = sample.id == labels.ids[place] and torch.equal(boxes, labels.boxes[place].float().reshape(-1, 4))
    return known and same_clip(clips.take([place])[0], clip)


def request_of(
    spec: DatasetSpec, scale: Scale, split: Split, path: str | None, max_pixels: int | None = None
) -> DataRequest:
    """What a run of that scale asks of a data set: clips are fewer and smaller than pictures, and have frames."""
    most = MAX_PIXELS if max_pixels is None else max_pixels
    if spec.video:
        count = scale.clips_train if split == "train" else scale.clips_test
        return DataRequest(split, count, path=path, canvas_px=scale.clip_px, frames=scale.frames, max_pixels=most)
    count = scale.train if split == "train" else scale.test
    return DataRequest(split, count, path=path, canvas_px=scale.canvas_px, max_pixels=most)


class _Spooled:
    """A data set whose clips are handed on, in order, as they are decoded."""

    def __init__(self, dataset: Dataset, add: object, looked: SampleChecks) -> None:
        self._dataset = dataset
        self._add = add
        self._looked = looked
        self.name, self.split, self.fingerprint = dataset.name, dataset.split, dataset.fingerprint

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        sample = self._looked.look(index, self._dataset[index])
        self._add((sample.clip.unsqueeze(0) * 255).round().to(torch.uint8))  # type: ignore[operator]
        return sample
