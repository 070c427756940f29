"""Every committed matrix means what it says, at every scale: all names exist and all grids fit together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.planning.candidates import Selection, select, select_candidates
from foresight_harness.planning.candidates.twins import with_twins
from foresight_harness.planning.options import SCALES, RunOptions
from foresight_harness.planning.options.run_options import run_options
from foresight_harness.planning.registry import Registry, load_registry

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "matrices"
MATRICES = sorted(path.stem for path in FOLDER.glob("*.toml"))
DOCUMENTS = {"pivot1_premerge", "pivot2_hybrid", "pivot3_sem", "pivot4_vlms", "c1_experiments", "c1_sufficiency"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Every plugin of the workspace."""
    return load_registry()


def planned(registry: Registry, matrix: str, scale: str) -> Selection:
    return select_candidates(registry, [], matrix, [FOLDER], scale)


def test_every_proposal_has_a_matrix() -> None:
    assert set(MATRICES) >= DOCUMENTS | {"smoke"}


@pytest.mark.parametrize("scale", list(SCALES))
@pytest.mark.parametrize("matrix", MATRICES)
def test_every_name_of_a_matrix_is_on_offer_at_every_scale(
    registry: Registry, matrix: str, scale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "absent_weights", lambda *asked: None)
    found = planned(registry, matrix, scale)
    assert found.left_out == ()
    assert len(found.candidates) > 1


@pytest.mark.parametrize("scale", list(SCALES))
@pytest.mark.parametrize("matrix", ["pivot4_vlms", "c1_experiments"])
def test_matrices_that_compare_models_feed_all_of_them_the_same_side(
    registry: Registry, matrix: str, scale: str
) -> None:
    """D17 of the faults: tokens of one board came from pictures of 224 to 1344 px."""
    found = planned(registry, matrix, scale)
    options = run_options({}, found)
    assert options.input == "equal-pixels"
    fed = {
        stream.side_px(options.feeding)
        for candidate in found.candidates
        for stream in candidate.streams
        if stream.run[-1].view_of is None
    }
    assert fed == {options.input_size}


def test_the_matrix_of_models_compares_equal_objectives_at_smoke_scale_and_says_which_is_absent(
    registry: Registry,
) -> None:
    """A board of models that were told places and models that were not would rank what was asked of them."""
    found = planned(registry, "pivot4_vlms", "smoke")
    assert {stream.lineage[-1].objective for each in found.candidates for stream in each.streams} == {
        "say what and where"
    }
    assert {each.streams[0].lineage[-1].family for each in found.candidates} == {
        "qwen2_5_vl",
        "llava_next",
        "internvl2",
    }
    assert found.left_out == (
        "cogvlm2_nano_where: its nano weights are not carried; train them as the README of its plugin says, and name "
        "the folder: --weights-source cogvlm2_nano_where=FOLDER",
    )
    named = select_candidates(registry, [], "pivot4_vlms", [FOLDER], "smoke", ["cogvlm2_nano_where=/somewhere/cogvlm2"])
    assert named.left_out == ()
    assert len(named.candidates) == len(found.candidates) + 4


@pytest.mark.parametrize("matrix", MATRICES)
def test_smoke_scale_builds_no_published_model_unless_it_is_fetched(
    registry: Registry, matrix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    for candidate in planned(registry, matrix, "smoke").candidates:
        sizes = {spec.size for stream in candidate.streams for spec in stream.lineage} | {candidate.decoder.size}
        assert sizes == {"tiny"}, str(candidate)


def test_the_smoke_matrix_scores_trained_encoders_where_their_weights_are_and_says_where_not(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    found = planned(registry, "smoke", "smoke")
    assert [reason.partition(";")[0] for reason in found.left_out] == [
        "alexnet@relu3: its weights are not here",
        "dinov2_small_saliency@block.05: its weights are not here",
    ]
    assert found.left_out[0].endswith("foresight-bench weights fetch lpips_alex")
    for name, files in {
        "lpips_alex": ["model.safetensors"],
        "dinov2_small_saliency": ["config.json", "model.safetensors"],
    }.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_bytes(b"")
    found = planned(registry, "smoke", "smoke")
    assert found.left_out == ()
    trained = with_twins(found, registry, RunOptions())
    assert {"random:alexnet@relu3", "random:dinov2_small_saliency@block.05"} <= {
        str(each).partition("/")[0] for each in trained.candidates if each.role == "twin"
    }


@pytest.mark.parametrize("matrix", sorted(DOCUMENTS))
def test_full_scale_scores_published_models(registry: Registry, matrix: str) -> None:
    under_test = [found for found in planned(registry, matrix, "full").candidates if found.role == "candidate"]
    assert under_test
    assert {found.streams[0].lineage[-1].size for found in under_test} == {"published"}


@pytest.mark.parametrize("scale", ["smoke", "small", "full"])
def test_an_enhancers_gain_can_be_read_against_bilinear_and_a_larger_picture(registry: Registry, scale: str) -> None:
    """The question of ``pivot3_sem``: on the stream that ``sem`` enhances both baselines stand in the same matrix."""
    listed = {str(found.candidate) for found in planned(registry, "pivot3_sem", scale).candidates}
    enhanced = min(name for name in listed if "/sem/" in name and ":" not in name and name.endswith("/linear"))
    for baseline in ("identity", "nearest", "bilinear"):
        assert enhanced.replace("/sem/", f"/{baseline}/") in listed
    assert "larger2:" + enhanced.replace("/sem/", "/identity/") in listed


def test_hybrid_has_each_stream_alone_beside_it(registry: Registry) -> None:
    for scale in SCALES:
        found = planned(registry, "pivot2_hybrid", scale).candidates
        alone = {str(entry.streams[0].ref) for entry in found if len(entry.streams) == 1}
        joined = [str(stream.ref) for entry in found if len(entry.streams) > 1 for stream in entry.streams]
        assert {name for name in joined if ":" not in name} <= alone
        assert len({entry.fusion.name for entry in found} - {"single"}) == 5


def test_planning_a_matrix_imports_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from foresight_harness.planning.candidates import select_candidates;"
        "from foresight_harness.planning.registry import load_registry;"
        f"select_candidates(load_registry(), [], 'pivot2_hybrid', [Path({str(FOLDER)!r})], 'full');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
