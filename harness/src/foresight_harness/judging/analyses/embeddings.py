"""Analysis ``embeddings``: token space as pictures (C1, E1.1), beside the silhouettes that need no picture.

Reads what cells of suite ``structure`` kept: principal directions, t-SNE, and UMAP where umap-learn was installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import weights_caveat
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.planning.options.declared import MAP_TOKENS
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.run_folder.tokens import Tokens

METHODS = {"pca": "tokens", "tsne": "tsne", "umap": "umap"}
"""Methods and the part of the kept tokens whose first two columns are their map."""
SILHOUETTES = ("silhouette_class", "silhouette_position", "silhouette_frame")
EXACT = 1000
"""Tokens up to which a cell's t-SNE was exact."""
MOST = 40
"""Candidates and data sets that are mapped."""
COLUMNS = (
    Column("candidate", "candidate"),
    Column("dataset", "data set"),
    Column("method", "method"),
    Column("seed", "seed"),
    *(Column(name, name.replace("_", ", ", 1)) for name in SILHOUETTES),
)


def analyse(run: RunData) -> Analysis | None:
    """Maps of every candidate of suite ``structure``, controls too; None where the suite did not run."""
    records = [r for r in run.select(suite="structure", metric="effective_rank") if r.tokens_digest]
    rows: list[dict[str, Any]] = []
    maps: list[dict[str, Any]] = []
    most = 0
    for record in records[:MOST]:
        parts = run.tokens(record.cell)
        if "tokens" not in parts:
            raise RunFolderError(f"tokens of cell {record.cell} ({record.candidate}) are absent")
        silhouettes = _silhouettes(run, record)
        most = max(most, len(parts["tokens"].features))
        for method, part in METHODS.items():
            points = _points(parts[part]) if part in parts else []
            if not points:
                continue
            named = {"candidate": record.candidate, "dataset": record.dataset, "method": method, "seed": 0}
            rows.append(named | silhouettes)
            maps.append(named | {"points": points})
    if not rows:
        return None
    caveats = [
        "Distances between clusters of t-SNE and UMAP carry no meaning; silhouettes are of token space itself.",
        "Half of the tokens of a map lie on objects, where there are as many: their share says nothing.",
    ]
    if len(records) > MOST:
        caveats.append(f"{len(records) - MOST} cells beyond {MOST} are not mapped.")
    caveats += weights_caveat(records, "what is drawn describes this run")
    return Analysis(
        kind="embeddings",
        form=2,
        title="Token space",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={
            "suites": ["structure"],
            "method": f"at most {max(most, MAP_TOKENS):,} tokens a cell along 32 principal directions; scikit-learn's "
            f"{'exact' if most <= EXACT else 'Barnes-Hut'} t-SNE, perplexity 30, started from the first two; "
            "umap-learn from the same start",
            "seed": 0,
        },
        columns=COLUMNS,
        rows=tuple(rows),
        further={"maps": maps},
    )


def _points(tokens: Tokens) -> list[list[Any]]:
    """``[x, y, class, row, col, frame]``; none where there is no second direction."""
    if tokens.features.shape[1] < 2:
        return []
    return [
        [round(float(x), 4), round(float(y), 4), name, row, col, frame]
        for (x, y), name, (frame, row, col) in zip(tokens.features[:, :2], tokens.classes, tokens.places, strict=True)
    ]


def _silhouettes(run: RunData, record: Record) -> dict[str, Measured | None]:
    """The cell's own, as recorded; None where undefined."""
    found: dict[str, Measured | None] = dict.fromkeys(SILHOUETTES)
    for other in run.records:
        if other.cell == record.cell and other.metric in found and other.value is not None:
            found[other.metric] = Measured(other.value, other.ci_low, other.ci_high, other.n, other.ci_method)
    return found


def _finding(rows: list[dict[str, Any]]) -> str:
    """Of how many candidates tokens lie with their own kind more than with their place."""
    cells: dict[tuple[str, str], Mapping[str, Any]] = {(row["candidate"], row["dataset"]): row for row in rows}
    both = [row for row in cells.values() if row["silhouette_class"] and row["silhouette_position"]]
    if not both:
        return f"Maps of {len(cells)} token spaces; none has both named objects and places to compare."
    more = sum(row["silhouette_class"].value > row["silhouette_position"].value for row in both)
    clear = sum(row["silhouette_class"].value > 0.05 for row in both)
    return (
        f"In {clear} of {len(both)} token spaces objects cluster by class (silhouette above 0.05), in {more} more than "
        "tokens do by place."
    )
