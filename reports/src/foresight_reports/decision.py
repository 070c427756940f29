"""The page of a decision: one offline file for people who decide, the conclusion first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from foresight_reports.decision_files import read_decision
from foresight_reports.page import asset, environment, source_hash
from foresight_reports.tables import shown

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
NOTHING = 1e-6
"""Below this a number is nothing but rounding."""
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
    made.globals.update(duration=duration, card=card, told_apart=told_apart, percent=percent, doubted=doubted)
    made.globals.update(at_once=at_once, reckoned=reckoned, breakable=breakable, without_acronym=without_acronym)
    made.globals.update(compared_by=compared_by)
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
    size = abs(value)
    if size >= 1000:
        written = f"{value:,.0f}"
    elif 1e-2 <= size < 1:
        written = _short(value)
    elif 0 < size < NOTHING:
        written = "0"
    else:
        written = f"{value:.3g}" if size >= LEAST or size == 0 else f"{value:.2e}"
    return written if unit in (None, "ratio", "distance", "distance^2") else f"{written} {unit}"


def _short(value: float) -> str:
    """At most three decimals, and no zero with a sign."""
    return f"{round(value, 3) + 0:.3f}".rstrip("0").rstrip(".")


def plainly(row: Mapping[str, Any]) -> str:
    """A criterion in words; a comparison by its label, which says of what."""
    if row.get("compare") or not row.get("plain"):
        return _capital(without_acronym(row["label"]))
    return _capital(str(row["plain"]))


def compared_by(row: Mapping[str, Any]) -> str:
    """What a comparison is made by, in words; empty where a row is none, or nobody has said it plainly."""
    return str(row["plain"]).partition(" (")[0] if row.get("compare") and row.get("plain") else ""


def without_acronym(label: Any) -> str:
    """A label without the name in brackets that only specialists know: ``... (FVD)``."""
    return re.sub(r"\s*\([A-Z][A-Za-z0-9@.]*[A-Z0-9]\)$", "", str(label))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def between(score: Any) -> str:
    """The interval in words."""
    if not isinstance(score, Mapping) or score.get("low") is None or score.get("high") is None:
        return ""
    ends = (score["low"], score["high"])
    if 1e-2 <= max(abs(end) for end in ends) < 1:  # one precision for both
        return " to ".join(_short(end) for end in ends)
    return " to ".join(quantity(end, None) for end in ends)


def asked(row: Mapping[str, Any]) -> str:
    """What the document asks, in words."""
    if row["bound"] is None:
        return "yes"
    of = "a difference " if row.get("compare") == "difference" else ""
    return f"{of}{'above' if row['direction'] == 'higher' else 'below'} {quantity(row['bound'], row['unit'])}"


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
    return f"{hours:.1f} hours" if isinstance(hours, int | float) else "not measured"


def at_once(found: Mapping[str, Any]) -> str:
    """The predicted time in few words, for a table whose note says what a guess is."""
    seconds = found.get("seconds")
    if not isinstance(seconds, int | float):
        return "not known"
    return f"about {_length(seconds)}" if found.get("measured") else f"perhaps {_length(seconds)}"


def reckoned(proposal: Mapping[str, Any]) -> str:
    """GPU hours that the proposal itself reckons with, without the place in its document."""
    return str(proposal.get("budget") or "").partition(" (")[0]


def doubted(row: Mapping[str, Any]) -> str:
    """Why a number that was measured decides nothing yet; empty where it decides, or there is none."""
    if not row.get("score") or row["verdict"] != "INCONCLUSIVE":
        return ""
    if not row["missing"]:
        enough = f"; about {row['needed_n']:,} samples would settle it" if row.get("needed_n") else ""
        return f"the likely range holds what is asked{enough}"
    more = len(row["missing"]) - 1
    return _plain_reason(str(row["missing"][0])) + (
        f", and {more} more reason{'s' if more > 1 else ''}" if more else ""
    )


def _plain_reason(line: str) -> str:
    """A line on missing evidence without its command."""
    reason = line.partition("; pytest ")[0].partition("; foresight-bench ")[0]
    untrained = re.fullmatch(r"(random|nano) weights \((.+)\)", reason)
    if untrained:
        kind = "is untrained" if untrained[1] == "random" else "is a toy"
        return f"{untrained[2]} {kind}, so this does not count"
    return reason


def breakable(name: str) -> Markup:
    """A candidate's name that may break after its parts, and nowhere else."""
    return Markup("<wbr>").join(str(shown(part)) for part in re.split(r"(?<=[/:+@])", name))


def told_apart(matrix: Mapping[str, Any]) -> bool:
    """Whether the weighted matrix says anything of any model."""
    return any(row["sure"] > 0 or row["possible"] < 1 for row in matrix["rows"])


def percent(share: Any) -> str:
    """A share of 1 in percent, for widths and words."""
    return f"{100 * share:.0f}" if isinstance(share, int | float) else "0"
