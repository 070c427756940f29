"""The conformance kit for data sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from foresight_harness.contracts.specs import DataRequest, DatasetSpec
from foresight_harness.surface.conformance import dataset_checks as checks
from foresight_harness.surface.conformance.kit import ConformanceKit


class DatasetConformance(ConformanceKit):
    """Every contract of a data set, for both splits of every set that a plugin offers and that needs no folder."""

    hook = "foresight_datasets"
    datasets: ClassVar[tuple[str, ...]] = ()
    """Names to check; empty means every set that needs no folder."""
    request: ClassVar[DataRequest] = DataRequest(split="train", count=6, canvas_px=64)
    tolerance_px: ClassVar[float] = 1.0
    """Pixels by which a box may differ from the extent of its mask."""
    occlusion: ClassVar[bool] = False
    """True where boxes are of whole objects and masks of their visible parts."""

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``spec``: every checked set; ``split``: both splits."""
        specs = cls.chosen(cls.datasets, lambda spec: not spec.needs_path, "data set")
        return {"spec": [(spec.name, spec) for spec in specs], "split": [("train", "train"), ("test", "test")]}

    def asked(self, split: Literal["train", "test"]) -> DataRequest:
        """The request for one split."""
        return replace(self.request, split=split)

    def test_a_split_is_not_empty_and_ends(self, spec: DatasetSpec, split: Literal["train", "test"]) -> None:
        checks.check_count(spec, self.asked(split))

    def test_clips_are_pictures_on_the_canvas(self, spec: DatasetSpec, split: Literal["train", "test"]) -> None:
        checks.check_clips(spec, self.asked(split))

    def test_boxes_lie_inside_and_masks_fill_them(self, spec: DatasetSpec, split: Literal["train", "test"]) -> None:
        checks.check_labels(spec, self.asked(split), tolerance_px=self.tolerance_px, occlusion=self.occlusion)

    def test_a_second_look_shows_the_same(self, spec: DatasetSpec, split: Literal["train", "test"]) -> None:
        checks.check_repeatable(spec, self.asked(split))

    def test_the_fingerprint_changes_with_every_choice(self, spec: DatasetSpec) -> None:
        checks.check_fingerprint(spec, self.request)

    def test_no_picture_is_in_both_splits(self, spec: DatasetSpec) -> None:
        checks.check_splits(spec, self.request)
