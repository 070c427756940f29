from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.measuring.suites import kept_tokens

pytestmark = pytest.mark.usefixtures("few_pictures", "no_maps")


@pytest.fixture
def no_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No map of tokens is drawn, which takes far longer than every number here; ``test_kept_tokens`` is about them."""
    monkeypatch.setattr(kept_tokens, "find_spec", lambda name: None)
    monkeypatch.setattr(kept_tokens, "tsne", lambda tokens, seed: tokens[:, :2])


def found(keeper, cell) -> dict:
    return {entry.metric: entry for entry in keeper.run_cell(cell).measurements}


def test_pixels_are_ordered_locally_and_shuffled_pixels_are_not(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    straight = found(keeper, planned(builtins, "pixels@patch/identity/single/linear", "structure"))
    mixed = found(keeper, planned(builtins, "shuffled@patch/identity/single/linear", "structure"))
    assert straight["local_distant"].values.shape == (1, 16)
    order, disorder = (float(one["local_distant"].values.mean()) for one in (straight, mixed))
    assert order > 0.002  # raw pixels are all bright, so every cosine is near 1 and the difference is small
    assert abs(disorder) < order / 5
    assert "silhouette_frame" not in straight
    assert not any(entry.gateable for entry in straight.values())


def test_a_constant_has_no_rank_rather_than_a_number(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    cell = planned(builtins, "constant@patch/identity/single/linear", "structure")
    keeper.plan([cell])
    keeper.run_cell(cell)
    record = next(line for line in keeper.folder.records() if line.metric == "effective_rank")
    assert record.value is None


def test_a_mask_has_one_direction_and_silhouettes_stay_in_their_range(make_keeper, builtins, planned) -> None:
    measured = found(make_keeper(), planned(builtins, "oracle@mask/identity/single/linear", "structure"))
    assert measured["effective_rank"].value == pytest.approx(1.0)
    for name in ("silhouette_position", "silhouette_class"):
        values = measured[name].values[~np.isnan(measured[name].values)]
        assert ((values >= -1) & (values <= 1)).all()
