"""Analyses that cannot say anything about this run: left out of the page, and said so in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foresight_reports.analysis.files import Analysis
from foresight_reports.board import Board

SPEAKING = {
    "tradeoff": "quality against latency",
    "twins": "training against random twins",
    "layers": "layer profiles",
    "heatmaps": "heat maps",
    "alignment": "alignment",
    "similarity": "similarity",
    "categories": "objects by class and size",
    "embeddings": "token maps",
    "attribution": "attribution",
    "proxies": "cheap proxies",
}
"""What speaks about encoders, and so needs weights that mean something, as a sentence calls it."""


@dataclass(frozen=True)
class Silence:
    """What is left out. ``pictures`` says whether charts drawn from the leaderboards may stand."""

    analyses: Mapping[str, Analysis]
    """Those that stay."""
    pictures: bool
    sentence: str


def silence(analyses: Mapping[str, Analysis], boards: Sequence[Board]) -> Silence:
    """Part what a run can say from what it cannot: of random weights alone nothing follows about any encoder."""
    rows = [row for board in boards for row in board.rows]
    mute = bool(rows) and all(row.weights == "random" for row in rows)
    empty = [kind for kind, found in analyses.items() if kind in SPEAKING and not found.rows]
    gone = [kind for kind in analyses if kind in SPEAKING and mute] if mute else empty
    kept = {kind: found for kind, found in analyses.items() if kind not in gone}
    if mute:
        drawn = [kind for kind in ("tradeoff", "heatmaps", "alignment") if kind not in analyses]
        names = [SPEAKING[kind] for kind in SPEAKING if kind in (*gone, *drawn)]
        said = (
            f"Left out, because every candidate has random weights and nothing would follow about an encoder: "
            f"{', '.join(names)}. Times, memory and sizes hold and stand below."
        )
        return Silence(kept, False, said)
    names = [SPEAKING[kind] for kind in empty]
    said = f"Left out, because there was nothing to compare: {', '.join(names)}." if names else ""
    return Silence(kept, True, said)
