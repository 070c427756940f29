from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options import RunOptions, WeightsSource, parse_weights_source


def test_a_source_names_a_model_and_where_its_weights_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_weights_source("a_base=/data/a") == WeightsSource("a_base", "/data/a")
    assert parse_weights_source("timm:vit.tag=~/x.safetensors").source == str(tmp_path / "x.safetensors")
    assert parse_weights_source("a_base=someone/a@v1=2").source == "someone/a@v1=2"


@pytest.mark.parametrize("text", ["a_base", "=x", "a_base="])
def test_half_a_source_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write NAME=SOURCE"):
        parse_weights_source(text)


def test_hub_ids_are_told_from_paths(tmp_path: Path) -> None:
    paths = ["/data/a", "./a", "a.safetensors", str(tmp_path)]
    assert [WeightsSource("a", source).is_path for source in [*paths, "someone/a", "someone/a@v1"]] == [
        *[True] * 4,
        *[False] * 2,
    ]


def test_options_stand_in_the_manifest_as_they_were_typed() -> None:
    options = RunOptions(weights_sources=(WeightsSource("a_base", "/data/a"),))
    assert json.loads(json.dumps(options.as_json()))["weights_sources"] == ["a_base=/data/a"]


def test_a_source_for_random_weights_contradicts_itself() -> None:
    with pytest.raises(UsageError, match=r"--weights random: --weights-source a_base=/data/a asks for pretrained"):
        RunOptions(weights="random", weights_sources=(WeightsSource("a_base", "/data/a"),))


def test_options_survive_json_whatever_they_hold() -> None:
    """Workers read them back from ``plan.json``: a field that is lost there is another run."""
    import json

    from foresight_harness.planning.options import DatasetChoice
    from foresight_harness.planning.options.options import options_from_json, parse_weights_source

    given = RunOptions(
        candidates=("a*", "b*"),
        matrix="pivot3_sem",
        scale="small",
        datasets=(DatasetChoice("shapes"), DatasetChoice("coco", "some/folder")),
        seeds=2,
        train_size=64,
        picture_px=336,
        input="equal-tokens",
        input_size=24,
        gates=("x",),
        weights_sources=(parse_weights_source("dinov2_base=weights/dinov2"),),
        engine="local:3",
        cell_timeout=9.5,
        resume=True,
    )
    assert options_from_json(json.loads(json.dumps(given.as_json()))) == given


@pytest.mark.parametrize("engine", ["locale", "local:0", "local:", "local:x", "ray:-1", "dask"])
def test_unknown_engine_is_one_line(engine: str) -> None:
    with pytest.raises(UsageError, match=f"--engine {engine}: unknown; choose local, local:N, ray or ray:N"):
        RunOptions(engine=engine)


@pytest.mark.parametrize(
    ("limit", "option"),
    [("cell_timeout", "--cell-timeout"), ("worker_memory_gib", "--worker-memory"), ("max_failures", "--max-failures")],
)
def test_limits_are_above_nothing(limit: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} 0: must be above 0"):
        RunOptions(**{limit: 0})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train_size": 4}, "--train-size 4: at least 16 pictures are needed"),
        ({"picture_px": 225}, "--picture-px 225: a side is a multiple of 8 px, such as 224"),
        ({"input": "same"}, "--input same: unknown; choose one of own, equal-pixels, equal-tokens"),
        ({"learning_rate": "fast"}, "--learning-rate fast: write a number above 0, such as 5e-4, or sweep"),
        ({"learning_rate": "0"}, "--learning-rate 0: write a number above 0"),
        ({"picture_px": 0}, "--picture-px 0: a side is a multiple of 8 px, such as 8"),
    ],
)
def test_sizes_that_cannot_be_used_are_one_line(given: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunOptions(**given)


def test_sizes_of_the_command_replace_those_of_the_scale() -> None:
    sizes = RunOptions(scale="small", train_size=64, picture_px=336, seeds=5).sizes
    assert (sizes.train, sizes.canvas_px, sizes.seeds, sizes.test) == (64, 336, 5, 512)
