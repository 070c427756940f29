"""Analysis ``parameters``: is each module as large as the document that proposes it claims?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness.judging.analyses.envelope import Analysis, Column
from foresight_harness.running.run_folder.run_data import RunData

COLUMNS = (
    Column("part", "part"),
    Column("name", "module"),
    Column("width", "width"),
    Column("params", "parameters", "parameters"),
    Column("claimed_width", "document's width"),
    Column("claimed_width_params", "parameters there", "parameters"),
    Column("claimed", "claimed", "parameters"),
    Column("ratio", "counted over claimed", "ratio"),
    Column("source", "source"),
)
NEAR = 0.1
"""Share of the claim by which a count may miss it: documents round to whole millions."""


def analyse(run: RunData) -> Analysis | None:
    """Count and claim of every module that took part; None where no record names one."""
    rows: list[dict[str, Any]] = []
    for record in run.records:
        rows += [_row(module) for module in record.get("modules") or []]
    unique = {tuple(row.values()): row for row in rows}
    if not unique:
        return None
    found = sorted(unique.values(), key=lambda row: (row["part"], row["name"], row["width"]))
    return Analysis(
        kind="parameters",
        title="Are modules as large as their documents claim?",
        finding=_finding(found),
        caveats=(
            "Claims hold at the document's width: a module behind a narrow encoder is smaller. Modules named _asdrawn "
            "follow the document's sketch, the others its budget.",
        ),
        inputs={"field": "modules of the records", "method": "built without memory and counted; nothing is measured"},
        columns=COLUMNS,
        rows=tuple(found),
    )


def _row(module: Mapping[str, Any]) -> dict[str, Any]:
    counted, claimed = module["claimed_width_params"], module["claimed"]
    return {
        "part": module["part"],
        "name": module["name"],
        "width": _widths(module["width"]),
        "params": module["params"],
        "claimed_width": _widths(module["claimed_width"]),
        "claimed_width_params": counted,
        "claimed": claimed,
        "ratio": None if counted is None or not claimed else round(counted / claimed, 4),
        "source": module["source"],
    }


def _widths(widths: list[int] | None) -> str | None:
    return None if widths is None else " + ".join(map(str, widths))


def _finding(rows: list[dict[str, Any]]) -> str:
    """How many claims hold, and the widest miss."""
    ratios = {(row["part"], row["name"]): row["ratio"] for row in rows if row["ratio"] is not None}
    if not ratios:
        return "No document claims a size for any module of this run."
    near = sum(abs(ratio - 1) <= NEAR for ratio in ratios.values())
    told = f"{near} of {len(ratios)} modules with a claim are within {NEAR:.0%} of it at the document's width"
    (_, name), worst = max(ratios.items(), key=lambda entry: max(entry[1], 1 / entry[1]) if entry[1] else float("inf"))
    return told + ("." if near == len(ratios) else f"; {name} has {worst:.2f} times what is claimed.")
