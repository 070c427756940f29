from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec, TapSpec
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.extraction.spot_checks import chosen, difference, tolerance
from foresight_harness.planning.registry import Registry
from torch import Tensor

pytestmark = pytest.mark.usefixtures("few_pictures")

CANDIDATE = "moody_tiny@patch/identity/single/linear"


class Moody:
    """Mean colours, their rows in another order where a variable says so."""

    def __init__(self, request: object) -> None:
        self.turned = os.environ.get("MOOD") == "turned"

    def encode(self, clips: Tensor, taps: Any) -> dict[str, TokenGrid]:
        grid = torch.nn.functional.avg_pool2d(clips.flatten(0, 1), 16).permute(0, 2, 3, 1)
        grid = grid.transpose(1, 2) if self.turned else grid
        return dict.fromkeys(taps, TokenGrid(grid.unflatten(0, clips.shape[:2])))

    def facts(self) -> dict[str, Any]:
        return {"params": 0}


class Noise:
    """Noise under the fingerprint of another data set."""

    def __init__(self, inner: Any) -> None:
        self.name, self.split, self.fingerprint, self._inner = inner.name, inner.split, inner.fingerprint, inner

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        sample = self._inner[index]
        noise = torch.rand(
            sample.clip.shape, generator=torch.Generator().manual_seed(index + 1000 * (self.split == "test"))
        )
        return replace(sample, clip=noise)


def with_moody(builtins: Registry, **fields: Any) -> Registry:
    spec = EncoderSpec("moody_tiny", Moody, (TapSpec("patch", 3, 16),), "patch", 128, params=0, size="tiny", **fields)
    owner = replace(builtins.owner("encoder", "pixels"), name="moody")
    return replace(
        builtins,
        encoders={**builtins.encoders, spec.name: spec},
        owners={**builtins.owners, ("encoder", spec.name): owner},
    )


def scores(make_keeper: Any, planned: Any, registry: Registry, cache: Path, **options: Any) -> tuple[Any, dict]:
    keeper = make_keeper(registry, cache=cache, **options)
    keeper.plan([planned(registry, CANDIDATE, "spatial")])
    keeper.run_cell(keeper.planned[0])
    keeper.close("complete")
    records = [record for record in keeper.folder.records() if record.candidate.startswith("moody")]
    return keeper, {(record.metric, record.probe): record.value for record in records}


def test_a_variable_that_the_key_does_not_hold_is_found_and_its_features_are_made_anew(
    make_keeper, planned, builtins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = with_moody(builtins)
    _, plain = scores(make_keeper, planned, registry, tmp_path / "kept")
    monkeypatch.setenv("MOOD", "turned")
    _, cold = scores(make_keeper, planned, registry, tmp_path / "cold")
    _, unseen = scores(make_keeper, planned, registry, tmp_path / "kept", spot_check=False)
    keeper, found = scores(make_keeper, planned, registry, tmp_path / "kept")
    assert unseen == plain != cold
    assert found == cold
    assert len(keeper.workshop.checks.findings) == 2  # of both splits
    assert "features of moody_tiny@patch on shapes/train in the cache are not" in keeper.workshop.checks.findings[0]
    assert keeper.folder.manifest()["extraction"]["stale"] == keeper.workshop.checks.findings
    again, same = scores(make_keeper, planned, registry, tmp_path / "kept")
    assert (again.workshop.checks.findings, same) == ([], cold)


def test_a_declared_variable_is_part_of_the_key(
    make_keeper, planned, builtins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = with_moody(builtins, environment=("MOOD",))
    _, plain = scores(make_keeper, planned, registry, tmp_path / "kept", spot_check=False)
    monkeypatch.setenv("MOOD", "turned")
    keeper, turned = scores(make_keeper, planned, registry, tmp_path / "kept", spot_check=False)
    assert turned != plain
    assert keeper.workshop.extraction.forwards["moody_tiny"] == 24 + 16
    kept = "".join(path.read_text() for path in (tmp_path / "kept").glob("??/*/index.json"))
    assert '"MOOD"' in kept
    assert "turned" not in kept  # a value may be a secret


def test_a_data_set_turned_to_noise_under_its_fingerprint_is_found_with_all_that_was_made_of_it(
    make_keeper, planned, builtins, tmp_path: Path
) -> None:
    registry = with_moody(builtins)
    shapes = builtins.dataset("shapes")
    noisy = replace(
        registry, datasets={**builtins.datasets, "shapes": replace(shapes, build=lambda ask: Noise(shapes.build(ask)))}
    )
    _, plain = scores(make_keeper, planned, registry, tmp_path / "kept")
    _, cold = scores(make_keeper, planned, noisy, tmp_path / "cold")
    keeper, found = scores(make_keeper, planned, noisy, tmp_path / "kept")
    assert found == cold != plain
    assert keeper.workshop.extraction.forwards["moody_tiny"] == 24 + 16
    assert [line for line in keeper.workshop.checks.findings if "under the same fingerprint" in line]


def test_what_a_run_made_itself_is_not_looked_at_again(make_keeper, planned, builtins, tmp_path: Path) -> None:
    keeper, _ = scores(make_keeper, planned, with_moody(builtins), tmp_path / "kept")
    assert keeper.workshop.checks.checked == 0
    again, _ = scores(make_keeper, planned, with_moody(builtins), tmp_path / "kept")
    assert again.workshop.checks.checked > 0
    assert again.workshop.pool.builds["moody_tiny"] == 0


def test_an_encoder_is_built_once_to_be_looked_at_on_two_data_sets(
    make_keeper, planned, builtins, tmp_path: Path
) -> None:
    built: list[str] = []

    class Counted(Moody):
        def __init__(self, request: object) -> None:
            built.append("moody")
            super().__init__(request)

    registry = with_moody(builtins)
    spec = replace(registry.encoder("moody_tiny"), build=Counted)
    registry = replace(registry, encoders={**registry.encoders, spec.name: spec})
    for builds in ([], ["moody"]):  # the first run makes what the second one looks at
        built.clear()
        keeper = make_keeper(registry, cache=tmp_path / "kept")
        keeper.plan([planned(registry, CANDIDATE, "alignment", name) for name in ("shapes", "kinds")])
        for cell in keeper.planned:
            keeper.run_cell(cell)
        assert built == (builds or built)
    assert not keeper.workshop.checks.left("encoder moody_tiny", ("shapes", "kinds"))


def test_rounding_of_another_batch_is_no_difference_and_one_changed_token_is() -> None:
    kept = torch.randn(2, 1, 4, 4, 8, generator=torch.Generator().manual_seed(0))
    assert difference(kept, kept * (1 + 1e-5)) < tolerance("float32")
    changed = kept.clone()
    changed[1, 0, 3, 3] *= 1.02
    assert difference(kept, changed) > tolerance("float32")
    assert difference(kept, kept.flip(2)) > tolerance("bfloat16")
    assert difference(kept, kept.bfloat16()) < tolerance("bfloat16")
    assert difference(kept, kept[..., :4]) == float("inf")
    assert difference(kept, torch.full_like(kept, float("nan"))) == float("inf")


def test_other_samples_are_looked_at_in_every_run() -> None:
    assert chosen(1) == [0]
    assert len({tuple(chosen(1000)) for _ in range(20)}) > 1
