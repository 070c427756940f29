from __future__ import annotations

from typing import Any

import pytest
from foresight_harness.judging.analyses.parameters import analyse


def _module(name: str, counted: int | None, claimed: int | None, **changes: Any) -> dict[str, Any]:
    return {
        "part": "enhancer",
        "name": name,
        "width": [64],
        "params": 1000,
        "claimed_width": [3584] if claimed else None,
        "claimed_width_params": counted,
        "claimed": claimed,
        "source": "a document",
        **changes,
    }


def test_counts_stand_against_claims_each_module_once(constructed) -> None:
    """Chosen: one module keeps its claim of 8M within 1 %, its sketch has 6 times the claim, seen by two suites."""
    built, drawn = _module("built", 7_920_000, 8_000_000), _module("drawn", 48_000_000, 8_000_000)
    for suite in ("spatial", "alignment"):
        constructed.add("vlm@last/built/single/linear", {0: [0.1, 0.2]}, suite=suite, modules=[built])
        constructed.add("vlm@last/drawn/single/linear", {0: [0.1, 0.2]}, suite=suite, modules=[drawn])
    found = analyse(constructed.run())
    assert [(row["name"], row["params"], row["claimed_width_params"], row["ratio"]) for row in found.rows] == [
        ("built", 1000, 7_920_000, 0.99),
        ("drawn", 1000, 48_000_000, 6.0),
    ]
    assert found.rows[0]["width"] == "64"
    assert found.finding.startswith("1 of 2 modules with a claim are within 10% of it")
    assert "drawn has 6.00 times" in found.finding


@pytest.mark.parametrize(("counted", "claimed"), [(None, None), (500, None), (None, 8_000_000)])
def test_without_claim_or_count_there_is_no_ratio(constructed, counted: int | None, claimed: int | None) -> None:
    constructed.add("vlm@last/m/single/linear", {0: [0.1, 0.2]}, modules=[_module("m", counted, claimed)])
    found = analyse(constructed.run())
    assert found.rows[0]["ratio"] is None
    assert found.finding == "No document claims a size for any module of this run."


def test_a_run_of_older_records_concludes_nothing(constructed) -> None:
    constructed.add("vlm@last/identity/single/linear", {0: [0.1, 0.2]})
    assert analyse(constructed.run()) is None


def test_both_widths_of_a_fusion_are_told(constructed) -> None:
    module = _module("dual", 10, 20, part="fusion", width=[8, 16], claimed_width=[1536, 3584])
    constructed.add("a@x+b@y/identity/dual/linear", {0: [0.1, 0.2]}, modules=[module])
    (row,) = analyse(constructed.run()).rows
    assert (row["width"], row["claimed_width"], row["ratio"]) == ("8 + 16", "1536 + 3584", 0.5)
