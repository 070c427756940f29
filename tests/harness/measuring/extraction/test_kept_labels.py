"""Pictures are decoded once: by the first process that needs them, for every later one too."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction import kept_labels as module
from foresight_harness.measuring.extraction.kept_labels import keep_labels, kept_labels
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.datasets.shapes import Shapes


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """How often each picture of ``shapes`` was decoded, by split and index."""
    seen: Counter[tuple[str, int]] = Counter()
    get = Shapes.__getitem__

    def counted(self: Shapes, index: int) -> Any:
        seen[self.split, index] += 1
        return get(self, index)

    monkeypatch.setattr(Shapes, "__getitem__", counted)
    return seen


@pytest.mark.usefixtures("few_pictures")
def test_every_picture_is_decoded_once_whatever_reads_it(make_keeper, builtins, planned, decoded) -> None:
    cells = [
        planned(builtins, f"{name}/identity/single/linear", "alignment") for name in ("oracle@mask", "constant@patch")
    ]
    for _ in range(2):  # the second is another run on the same cache
        keeper = make_keeper()
        keeper.plan(cells)
        for cell in cells:
            keeper.run_cell(cell)
    assert len(decoded) == 24 + 16
    again = [split for (split, _), count in decoded.items() if count == 2]
    assert set(decoded.values()) == {1, 2}
    # The other run looks at two of each split, to see that the fingerprint still stands for the same pictures.
    assert sorted(again) == ["test"] * 2 + ["train"] * 2


def test_kept_labels_hold_the_crowds(tmp_path) -> None:
    data = Shapes(DataRequest("test", 3, canvas_px=32))
    labels = labels_of(data)
    assert [len(labels.crowds_of(index)) for index in range(3)] == [0, 0, 0]
    crowds = (torch.zeros(0, 4), torch.tensor([[0, 0, 0.5, 1.0], [0.25, 0, 1, 1]]), torch.zeros(0, 4))
    store = ArrayStore(tmp_path)
    keep_labels(store, data.fingerprint, replace(labels, crowds=crowds, crowd_names=((), ("a", "b"), ())))
    found = kept_labels(ArrayStore(tmp_path), data.fingerprint)
    assert found is not None
    assert [torch.equal(found.crowds_of(index), crowds[index]) for index in range(3)] == [True] * 3
    assert list(found.crowd_names) == [(), ("a", "b"), ()]


@pytest.mark.parametrize("kind", [Shapes, MovingShapes])
def test_kept_labels_are_those_of_the_data_set(kind: type, tmp_path) -> None:
    data = kind(DataRequest("test", 4, canvas_px=64, frames=9 if kind is MovingShapes else 1))
    labels = labels_of(data)
    store = ArrayStore(tmp_path)
    assert kept_labels(store, data.fingerprint) is None
    keep_labels(store, data.fingerprint, labels)
    found = kept_labels(ArrayStore(tmp_path), data.fingerprint)
    assert found is not None
    assert (found.ids, found.groups, found.names) == (labels.ids, labels.groups, labels.names)
    assert list(found.motion) == [dict(motion) for motion in labels.motion]
    assert all(torch.equal(one, other) for one, other in zip(found.boxes, labels.boxes, strict=True))
    assert found.foreground.dtype == torch.bool
    assert torch.equal(found.foreground, labels.foreground)


def test_labels_that_json_would_change_are_not_kept(tmp_path) -> None:
    from dataclasses import replace

    data = Shapes(DataRequest("test", 2, canvas_px=64))
    odd = replace(labels_of(data), motion=({"path": [1, 2]}, {"path": {3}}))
    keep_labels(ArrayStore(tmp_path), data.fingerprint, odd)
    assert kept_labels(ArrayStore(tmp_path), data.fingerprint) is None


def test_labels_of_another_version_are_not_read(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Shapes(DataRequest("test", 2, canvas_px=64))
    keep_labels(ArrayStore(tmp_path), data.fingerprint, labels_of(data))
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert kept_labels(ArrayStore(tmp_path), data.fingerprint) is None
