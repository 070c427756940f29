"""The page of a decision: one offline file for people who decide, the conclusion first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from foresight_reports.decision_files import read_decision
from foresight_reports.page import asset, environment, source_hash

TONES = {"PROCEED": "go", "PIVOT": "turn", "ABORT": "stop", "CANNOT SAY": "open"}
MEANS = {
    "PROCEED": "Go on",
    "PIVOT": "Change course",
    "ABORT": "Stop",
    "CANNOT SAY": "Not decided",
}
"""Answers in plain words."""
SHOWN = 3
"""Criteria on a card; the others are one click away."""
LEAST = 1e-3
LONG_S = 48 * 3600.0


def write_decision(file: Path, output: Path) -> Path:
    """Write the page of a decision and give its path. Raises: ReportError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(decision_page(read_decision(file)), encoding="utf-8", errors="replace")
    return output


def decision_page(decision: Mapping[str, Any]) -> str:
    """The whole page; the same bytes for the same decision."""
    style = asset("css/decision.css")
    made = environment()
    made.globals.update(
        tones=TONES, means=MEANS, basis=basis, quantity=quantity, between=between, asked=asked, plainly=plainly
    )
    made.globals.update(duration=duration, card=card, told_apart=told_apart, percent=percent, lacking=lacking)
    policy = (
        f"default-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; style-src {source_hash(style)}"
    )
    template = made.get_template("decision.html")
    return template.render(decision=decision, policy=policy, style=Markup(style))


def basis(proposal: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The criteria that the answer rests on: of the gates of the branch that was taken, else of the first open one."""
    gates = list(proposal["by"])
    if not gates:
        gates = [gate["name"] for gate in proposal["gates"] if gate["verdict"] in ("INCONCLUSIVE", "NOT MEASURED")][:1]
    order = ("NO-GO", "MARGINAL", "INCONCLUSIVE", "NOT MEASURED", "GO")
    rows = [row for gate in gates for row in proposal["criteria"] if row["gate"] == gate and row["decides"]]
    if proposal["answer"] in ("PIVOT", "ABORT"):
        rows = [row for row in rows if row["verdict"] == "NO-GO"] or rows
    rows = sorted(rows, key=lambda row: order.index(row["verdict"]) if row["verdict"] in order else len(order))
    kept: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for row in rows:
        kept.setdefault((row["label"], row["bound"]), row)
    return list(kept.values())[:SHOWN]


def quantity(value: Any, unit: Any) -> str:
    """A number to three digits, with its unit where it has one that is said."""
    if not isinstance(value, int | float):
        return ""
    written = f"{value:,.3g}" if LEAST <= abs(value) < 1e5 or value == 0 else f"{value:.2e}"
    if abs(value) >= 1000:
        written = f"{value:,.0f}"
    return written if unit in (None, "ratio", "distance", "distance^2") else f"{written} {unit}"


def plainly(row: Mapping[str, Any]) -> str:
    """A criterion in words; a comparison by its label, which says of what."""
    found = str(row["label"] if row.get("compare") or not row.get("plain") else row["plain"])
    return found[:1].upper() + found[1:]


def between(score: Any) -> str:
    """The interval in words."""
    if not isinstance(score, Mapping) or score.get("low") is None or score.get("high") is None:
        return ""
    return f"{quantity(score['low'], None)} to {quantity(score['high'], None)}"


def asked(row: Mapping[str, Any]) -> str:
    """What the document asks, in words."""
    if row["bound"] is None:
        return "yes"
    return f"{'above' if row['direction'] == 'higher' else 'below'} {quantity(row['bound'], row['unit'])}"


def duration(found: Mapping[str, Any]) -> str:
    """Predicted time in words, and whether anybody measured the like; empty where there is none."""
    seconds = found.get("seconds")
    if not isinstance(seconds, int | float):
        return ""
    said = _length(seconds)
    if found.get("measured"):
        return f"about {said}, as this machine measured the like"
    if seconds > LONG_S:
        return f"too long for a processor (a guess: {said}), so it needs a graphics card"
    return f"perhaps {said} on a processor, which is a guess"


def _length(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds <= LONG_S else f"{seconds / 86400:.0f} days"


def card(found: Mapping[str, Any]) -> str:
    """Hours of a graphics card in words."""
    hours = found.get("gpu_hours")
    return f"{hours:.1f} GPU hours" if isinstance(hours, int | float) else "GPU hours: not measured on a card"


def lacking(proposal: Mapping[str, Any]) -> str:
    """The first thing that is missing, without its command; empty where nothing that can be measured is."""
    found = proposal["missing"][0] if proposal["missing"] else ""
    reason = str(found).partition(": ")[2] or str(found)
    reason = reason.partition("; pytest ")[0].partition("; foresight-bench ")[0].removeprefix("would be GO; missing: ")
    if reason.startswith("no candidate "):
        return "none of the models that it is about was measured"
    if reason.endswith(" is not in this run"):
        return "its number was not measured"
    untrained = re.fullmatch(r"(random|nano) weights \((.+)\)", reason)
    if untrained:
        return f"a trained model ({untrained[2]} has {'random' if untrained[1] == 'random' else 'toy'} weights here)"
    return reason


def told_apart(matrix: Mapping[str, Any]) -> bool:
    """Whether the weighted matrix says anything of any model."""
    return any(row["sure"] > 0 or row["possible"] < 1 for row in matrix["rows"])


def percent(share: Any) -> str:
    """A share of 1 in percent, for widths and words."""
    return f"{100 * share:.0f}" if isinstance(share, int | float) else "0"
