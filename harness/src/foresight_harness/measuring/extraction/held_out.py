"""Parts of a training split that stand in for both splits, so that what is chosen by them was never tested on."""

from __future__ import annotations

from typing import Any

from foresight_harness.contracts.protocols import Dataset, Sample
from foresight_harness.parts.datasets.identity import fingerprint


class PartOfTraining:
    """A ``Dataset`` of consecutive samples of a training split.

    Args:
        whole: The training split.
        split: What the part stands for.
        fitted: Share of the samples, the first ones, that are fitted on; the others are scored.
    """

    def __init__(self, whole: Dataset, split: str, fitted: float) -> None:
        self._whole, self.split, self.name = whole, split, whole.name
        cut = min(max(1, round(fitted * len(whole))), len(whole) - 1)
        self._first, self._end = (0, cut) if split == "train" else (cut, len(whole))
        self.fingerprint = fingerprint(part_of=whole.fingerprint, first=self._first, end=self._end)

    def __getattr__(self, name: str) -> Any:
        """What else a data set says of itself."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._whole, name)

    def planted(self, index: int, wrong: str | None) -> Sample:
        """As ``PlantsAnswers``, where the whole is one: samples are counted from the part's first."""
        found: Sample = getattr(self._whole, "planted")(self._first + index, wrong)  # noqa: B009
        return found

    def __len__(self) -> int:
        return self._end - self._first

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._whole[self._first + index]
