"""All conclusions of a run as the page shows them: views for the templates, and plain data for the charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from foresight_reports.analysis import audit, categories, gates, grid, layers, similarity, strips, tokens, twins
from foresight_reports.analysis.files import Analysis, said
from foresight_reports.analysis.links import Index
from foresight_reports.analysis.ties import head_to_head
from foresight_reports.board import Board
from foresight_reports.reading import Run
from foresight_reports.tables import breakable

ORDER = (
    *(
        "gates",
        "search",
        "regressions",
        "twins",
        "audit",
        "layers",
        "similarity",
        "embeddings",
        "attribution",
        "proxies",
    ),
    "categories",
)
"""Kinds with a picture of their own; the others follow as tables, in the order of their names."""


URGENT = {word: place for place, word in enumerate(("regressed", "not compared", "improved", "within noise"))}
"""What a reader must act on stands first; rows of one verdict keep the order of the harness."""

DRAWN = 8
"""Figures of one kind of conclusion, those that its suites are read by first; all numbers stand in its table."""


@dataclass
class Conclusions:
    """What a template needs of all conclusions. ``charts`` are keyed as the figures name them."""

    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    grids: Mapping[str, grid.Grid] = field(default_factory=dict)
    gates: Sequence[gates.Gate] = ()
    audits: Sequence[audit.Audit] = ()
    depths: Sequence[layers.Depth] = ()
    depth_count: int = 0
    strips: Mapping[str, Sequence[strips.Strip]] = field(default_factory=dict)
    strip_counts: Mapping[str, int] = field(default_factory=dict)
    maps: Sequence[tokens.TokenMap] = ()
    map_count: int = 0
    matrices: Sequence[similarity.Matrix] = ()
    charts: dict[str, Any] = field(default_factory=dict)
    others: Sequence[str] = ()

    @property
    def packed(self) -> dict[str, str]:
        """Rows that do not stand in the page, by the table that they belong to."""
        return {each.id: str(Markup("\n").join(each.rest)) for each in self.grids.values() if each.rest}


def conclude(
    run: Run,
    boards: Sequence[Board] = (),
    analyses: Mapping[str, Analysis] | None = None,
    name: Callable[..., Markup] = breakable,
    points: int = tokens.POINTS,
) -> Conclusions:
    """Views of the conclusions of a run.

    Args:
        run: The run.
        boards: The tables that numbers lead to.
        analyses: The conclusions to be shown, all of the run's by default.
        name: How a text that may name candidates is written.
        points: At most so many of a map of tokens.
    """
    found = dict(run.analyses if analyses is None else analyses)
    if (met := head_to_head(found.get("rankings"))) is not None:
        found[met.kind] = met
    index = Index(run, boards, name)
    grids = {kind: grid.build(analysis, index) for kind, analysis in found.items() if kind != "gates"}
    result = Conclusions(analyses=found, grids=grids, others=[kind for kind in found if kind not in ORDER])

    if "regressions" in found:
        worst_first = sorted(found["regressions"].rows, key=lambda line: URGENT.get(said(line, "verdict"), len(URGENT)))
        grids["regressions"] = grid.build(found["regressions"], index, worst_first)
    if "gates" in found:
        result.gates = gates.gates(found["gates"], index)
        ordered = [line for gate in result.gates for line in gate.lines]
        grids["gates"] = grid.build(found["gates"], index, ordered)
    if "audit" in found:
        result.audits = audit.audits(found["audit"], index)
        result.charts |= {f"audit-{i}": audit.chart(each) for i, each in enumerate(result.audits)}
    if "layers" in found:
        every = layers.depths(found["layers"], index)
        result.depths, result.depth_count = every[:DRAWN], len(every)
        result.charts |= {f"layers-{i}": layers.chart(each, index) for i, each in enumerate(result.depths)}
    if "embeddings" in found:
        result.maps, result.map_count = tokens.token_maps(found["embeddings"], index, points)
        result.charts |= {f"tokens-{i}": tokens.chart(each) for i, each in enumerate(result.maps)}
    if "similarity" in found:
        result.matrices = similarity.matrices(found["similarity"])[:DRAWN]
    strips_of = {}
    if "twins" in found:
        strips_of["twins"] = twins.strips(found["twins"], index)
    if "attribution" in found:
        strips_of["attribution"] = strips.attribution(found["attribution"], index)
    if "proxies" in found:
        strips_of["proxies"] = strips.proxies(found["proxies"], run.suites)
    if "categories" in found:
        strips_of["categories"] = categories.categories(found["categories"])
        table = grid.build(found["categories"], index, categories.shown(found["categories"]))
        # The figure above shows the same rows: all but the first ones unfold on demand.
        first, packed = table.shown[: categories.ROWS_SHOWN], table.shown[categories.ROWS_SHOWN :]
        grids["categories"] = replace(table, shown=first, rest=[*packed, *table.rest])
    result.strip_counts = {kind: len(each) for kind, each in strips_of.items()}
    result.strips = {kind: each[:DRAWN] for kind, each in strips_of.items()}
    for kind, each in result.strips.items():
        result.charts |= {f"{kind}-{i}": one.chart for i, one in enumerate(each)}
    return result
