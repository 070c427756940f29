"""The driver of a search, for real: two streams by two enhancers, few pictures, few steps."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.options import DatasetChoice
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.search.budget import RungCost
from foresight_harness.planning.search.planner import Out, Standing, replay
from foresight_harness.planning.search.rungs import Keep, Rung, SearchTable
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.search.costs import Costs
from foresight_harness.running.search.driver import Purse
from foresight_harness.running.search.kept import made_rungs, read_kept
from foresight_harness.running.search.reading import results_of
from foresight_harness.running.search.setting_up import set_up

pytestmark = pytest.mark.usefixtures("few_pictures")


class Stop(Exception):
    """What a signal makes of a session."""


def after(cells: int):
    """Raises after so many calls."""
    count = iter(range(1000))

    def check() -> None:
        if next(count) >= cells:
            raise Stop

    return check


def test_rungs_leave_candidates_out_and_each_is_a_whole_run_of_its_own(hunting) -> None:
    found = hunting()
    standing = found.driver.narrow()
    assert isinstance(standing, Standing)
    assert len(standing.survivors) == 2
    last = results_of(found.home, read_kept(found.home))[-1].scores
    assert set(standing.survivors) == set(sorted(last, key=lambda name: last[name].value)[-2:])
    made = made_rungs(found.home)
    assert [(one.folder, one.keep) for one in made] == [("search/1_steps", 3), ("search/2_steps", 2)]
    kept = read_kept(found.home)
    assert len(made[0].entering) == 4
    assert made[1].entering == replay(kept.search, results_of(found.home, kept)[:1]).survivors
    first = RunData.load(found.home / made[0].folder)
    assert first.manifest["status"] == "complete"
    assert (first.manifest["sizes"]["train"], first.manifest["sizes"]["test"]) == (18, 6)
    assert {record.seeds for record in first.records} == {(0,)}
    steps = {choices["fit_steps"] for choices in first.manifest["protocols"].values()}
    assert steps == {8}
    assert any("8 steps: 4 candidates, 3 to be kept" in line for line in found.lines)


def test_no_rung_before_the_race_looks_at_a_test_picture(hunting, seeing, options) -> None:
    found = hunting(rungs=(Rung("steps", Keep(count=2), steps=8), Rung("race")))
    found.driver.narrow()
    narrowing = RunData.load(found.home / "search/1_steps")
    train = {sample for record in narrowing.select(metric="iou") for sample in narrowing.values(record).samples}
    assert train
    assert all("-train-" in sample for sample in train)


def test_a_stopped_search_goes_on_where_it_was_and_ends_as_one_that_was_not(hunting, tmp_path) -> None:
    stopped = hunting(check=after(3))
    with pytest.raises(Stop):
        stopped.driver.narrow()
    assert made_rungs(stopped.home) == ()
    first = stopped.home / "search/1_steps"
    kept = (first / "records.jsonl").read_bytes()
    assert kept
    again = hunting()
    standing = again.driver.narrow()
    assert (first / "records.jsonl").read_bytes().startswith(kept)
    whole = hunting(cache=tmp_path / "other")
    assert [one.rung for one in made_rungs(whole.home)] == [0, 1]
    before = (whole.home / "search/rungs.json").read_bytes()
    assert whole.driver.narrow() == standing
    assert (whole.home / "search/rungs.json").read_bytes() == before


def test_a_rung_that_would_keep_every_stream_is_passed_over(hunting, cells) -> None:
    rungs = (Rung("closed_form", Keep(count=2)), Rung("race"))
    found = hunting(rungs=rungs)
    assert set(found.hunt.kept.plain) == {"seeing_tiny@patch", "blind_tiny@patch"}
    assert isinstance(found.driver.narrow(), Standing)  # two of two streams: passed over, for it would keep everybody
    assert made_rungs(found.home) == ()
    assert {str(cell.candidate) for cell in found.hunt.plain} == {str(cells[0].candidate), str(cells[2].candidate)}


def test_a_look_of_the_race_reads_test_pictures_and_its_fits_are_there_for_the_run(
    hunting, seeing, options, cells
) -> None:
    rungs = (Rung("steps", Keep(count=2), steps=8), Rung("race", pictures=0.5), Rung("race"))
    found = hunting(rungs=rungs, seeds=2)
    standing = found.driver.narrow()
    look = RunData.load(found.home / "search/2_race")
    assert look.manifest["sizes"]["test"] == 8
    assert all("-test-" in sample for record in look.select(metric="iou") for sample in look.values(record).samples)
    kept = read_kept(found.home)
    assert results_of(found.home, kept)[1].values.trained == (False, True)
    whole = replace(options, seeds=2, search=False)
    keeper = RunKeeper(seeing, whole, silent(), "pytest benchmarks/")
    keeper.plan([cell for cell in cells if str(cell.candidate) in standing.survivors])
    for cell in list(keeper.planned):
        keeper.run_cell(cell)
    keeper.close("complete")
    assert keeper.workshop.fits.read == 2
    fresh = RunKeeper(seeing, replace(whole, cache=options.cache.with_name("fresh")), silent(), "pytest benchmarks/")
    fresh.plan([cell for cell in cells if str(cell.candidate) in standing.survivors])
    for cell in list(fresh.planned):
        fresh.run_cell(cell)
    fresh.close("complete")
    assert fresh.workshop.fits.read == 0
    numbers = [{(one.candidate, one.metric): one.value for one in each.folder.records()} for each in (keeper, fresh)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-6, nan_ok=True)


def test_a_run_that_is_no_search_keeps_no_fit(seeing, options, cells) -> None:
    keeper = RunKeeper(seeing, replace(options, search=False), silent(), "pytest benchmarks/")
    keeper.plan(cells[1:2])
    keeper.run_cell(keeper.planned[0])
    kinds = [json.loads(path.read_text())["choices"]["kind"] for path in options.cache.glob("??/*/index.json")]
    assert "features" in kinds
    assert "fit" not in kinds


def test_a_budget_that_is_spent_ends_the_search_before_its_race(hunting) -> None:
    purse = Purse([RungCost(0, 1000.0)] * 3, allowed_s=10.0)
    found = hunting(purse=purse)
    out = found.driver.narrow()
    assert isinstance(out, Out)
    assert "does not pay for the rungs that are left" in out.reason


def test_a_search_costs_less_than_everything_in_full_and_longer_rungs_cost_more(hunting, options, cells) -> None:
    hunt = hunting().hunt
    costs = Costs(options)
    rungs = costs.rungs(hunt, cells)
    assert len(rungs) == 3
    assert 0 < rungs[0].each_s < rungs[1].each_s < rungs[2].each_s
    assert costs.full_s(cells) > 0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (SearchTable(suite="alignment"), r"seeks by suite 'alignment', which this session does not score"),
        (SearchTable(metric="iuo"), r"seeks by metric 'iuo', which spatial does not record; did you mean iou"),
        (SearchTable(dataset="coco"), r"seeks on data set 'coco', and spatial is scored on shapes"),
        (SearchTable(rungs=(Rung("steps", Keep(count=2), steps=900), Rung("race"))), r"a rung of 900 steps is longer"),
    ],
)
def test_what_cannot_be_sought_is_said_in_one_line(seeing, options, cells, table: SearchTable, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        set_up(table, cells, seeing, options)
    assert "\n" not in str(caught.value)


def test_candidates_without_trained_parts_are_not_searched_among(seeing, options, cells) -> None:
    plain = [cell for cell in cells if not cell.candidate.trainable]
    with pytest.raises(UsageError, match=r"none of 2 candidates is trained in spatial, so shorter fits save nothing"):
        set_up(SearchTable(), plain, seeing, options)
    with pytest.raises(UsageError, match="1 candidate to search among"):
        set_up(SearchTable(), cells[1:2], seeing, options)


def test_too_few_training_pictures_to_hold_any_out_are_refused(seeing, options, cells) -> None:
    with pytest.raises(UsageError, match=r"16 are too few, use at least 22 \(--train-size\)"):
        set_up(SearchTable(), cells, seeing, replace(options, train_size=16))


def test_only_candidates_are_searched_among_and_controls_are_not(seeing, options, cells, planned) -> None:
    controls = [planned(seeing, name, "spatial") for name in ("oracle@mask/residual/single/linear",)]
    others = [PlannedCell(cell.candidate, cell.suite, DatasetChoice("kinds")) for cell in cells]
    found = set_up(SearchTable(), [*controls, *cells, *others], seeing, options)
    assert list(found.kept.search.streams) == [str(cell.candidate) for cell in cells]
    assert found.kept.target.dataset == "shapes"
