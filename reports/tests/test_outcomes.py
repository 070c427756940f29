"""Cells that gave no number are at the top of the page, in counts that add up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_reports import render
from foresight_reports.outcomes import outcome_sentence
from foresight_reports.reading import read_run


def planned(run: Path, count: int) -> None:
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(manifest | {"counts": {**manifest.get("counts", {}), "planned": count}}))


def test_a_page_whose_cells_all_gave_numbers_says_nothing_of_it(make: Callable[..., Path]) -> None:
    run = make()
    planned(run, 0)
    assert outcome_sentence(read_run(run)) == ""
    assert 'id="outcomes"' not in render([run]).html


@pytest.mark.parametrize("more", [0, 3])
def test_failed_and_missing_cells_and_the_others_add_up_to_the_planned_ones(
    make: Callable[..., Path], more: int
) -> None:
    run = make(failed=2)
    records = read_run(run).records
    ok, failed = ({r.cell for r in records if (r.metric is None) is bad} for bad in (False, True))
    count = len(ok) + len(failed) + more
    planned(run, count)
    said = outcome_sentence(read_run(run))
    assert said.startswith(f"{len(failed) + more} of {count} planned cells gave no number: ")
    assert said.endswith(f"What stands below is of the other {len(ok)}.")
    words = re.findall(r"(\d+) (?:failed|ran out of memory|could not be had|without an outcome)", said)
    assert sum(map(int, words)) == len(failed) + more


def test_the_sentence_stands_before_the_first_table_and_leads_to_the_cells(make: Callable[..., Path]) -> None:
    html = render([make(failed=2)]).html
    place = html.index('id="outcomes"')
    assert place < html.index("<table")
    assert '<a href="#failed">Which, and why</a>' in html[place : place + 400]
    section = html[html.index('<section id="failed"') :]
    assert '<th scope="col">Data set' in section
