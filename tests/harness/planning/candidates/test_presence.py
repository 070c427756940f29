"""What is said of weights that are not on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.specs import EncoderSpec, PublishedFile, PublishedWeights, TapSpec
from foresight_harness.planning.candidates import parse_candidate
from foresight_harness.planning.candidates.presence import absent_weights
from foresight_harness.planning.candidates.resolve import ResolvedCandidate, resolve
from foresight_harness.planning.registry import own_registry


def candidate(**facts: object) -> ResolvedCandidate:
    """Of an encoder ``eye`` with these facts."""
    registry = own_registry()
    spec = EncoderSpec("eye", lambda request: None, (TapSpec("last", 8, 4),), "last", 16, **facts)  # type: ignore[arg-type,return-value]
    registry.encoders["eye"] = spec
    return resolve(parse_candidate("eye@last/identity/single/linear"), registry)


def test_published_weights_that_are_absent_name_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    files = (PublishedFile("model.safetensors", "0" * 64),)
    found = candidate(published=PublishedWeights("eye_2024", "a/b", "MIT", files=files))
    assert absent_weights(found) == "eye@last: its weights are not here; foresight-bench weights fetch eye_2024"
    assert absent_weights(found, {"eye"}) is None
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "model.safetensors").write_bytes(b"")
    assert absent_weights(found) is None


def test_nano_weights_are_looked_for_in_the_package_that_may_carry_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carrying").mkdir()
    (tmp_path / "carrying" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = candidate(weights=("nano", "random"), repo="package:carrying/weights/eye")
    said = absent_weights(found)
    assert said is not None
    assert said.startswith("eye: its nano weights are not carried")
    assert said.endswith("--weights-source eye=FOLDER")
    assert absent_weights(found, {"eye"}) is None
    (tmp_path / "carrying" / "weights" / "eye").mkdir(parents=True)
    assert absent_weights(found) is None


def test_random_weights_are_never_absent() -> None:
    assert absent_weights(candidate(weights=("random", "nano"), repo="package:nowhere/weights/eye")) is None
