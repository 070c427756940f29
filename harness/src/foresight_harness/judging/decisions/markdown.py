"""A decision as Markdown, for a mail or a pull request. Every text from outside is made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresight_harness.judging.comparison.safe_text import markdown_text

LONG_S = 48 * 3600.0
"""Longer times are said in days."""
NOTHING = 1e-6
"""Below this a number is nothing but rounding."""
LONGEST = 2000
"""Characters of a sentence: one that names many parts ends with what to do about them."""


def as_markdown(decision: Mapping[str, Any]) -> str:
    """The page as text: conclusion, one table, then each proposal with its criteria."""
    return "\n".join(_lines(decision)) + "\n"


def _lines(decision: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"# {markdown_text(decision['headline'])}", "")
    yield from ("| proposal | answer | why |", "|---|---|---|")
    for one in decision["proposals"]:
        name = f"{markdown_text(one['proposal'])}: {markdown_text(one['title'])}"
        yield f"| {name} | **{one['answer']}** | {markdown_text(one['say'], LONGEST)} |"
    for one in decision["proposals"]:
        yield from ("", f"## {markdown_text(one['proposal'])}: {one['answer']}", "", _line(one["question"]), "")
        yield from _criteria(one)
        yield from _open(one)
    yield from _matrix(decision["matrix"])
    runs = ", ".join(markdown_text(run["run"]) for run in decision["runs"])
    yield from ("", f"From {runs}; {decision['answers']['given']} answers of people.")


def _criteria(proposal: Mapping[str, Any]) -> Iterator[str]:
    if proposal["quote"]:
        where = f"{markdown_text(proposal['document'])}, line {proposal['line']}"
        yield from (f"By {where}: {markdown_text(proposal['quote'])}", "")
    yield "| criterion | asked | measured | 95 in 100 | n | untrained twin | raw pixels | is |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in proposal["criteria"]:
        if not row["decides"]:
            continue
        score = row["score"] or {}
        cells = [
            markdown_text(f"{row['label']} ({row['gate']})"),
            asked(row),
            shown(score.get("value"), row["unit"]),
            between(score),
            str(score.get("n", "")),
            shown((row["twin"] or {}).get("value"), row["unit"]),
            shown((row["pixels"] or {}).get("value"), row["unit"]),
            row["word"],
        ]
        yield f"| {' | '.join(cells)} |"


def _open(proposal: Mapping[str, Any]) -> Iterator[str]:
    if proposal["missing"]:
        yield from ("", "Missing:", *(f"- {_line(line)}" for line in grouped(proposal["missing"])))
    if proposal["ask"]:
        yield from ("", "People must still answer:")
        yield from (f"- {_line(one['label'])}: {markdown_text(one['ask'], LONGEST)}" for one in proposal["ask"])
    found = proposal["next"]
    if found:
        yield from ("", f"The cheapest run that would settle the next step ({duration(found)}):", "")
        yield f"    {found['command']}"


def grouped(lines: Sequence[str]) -> list[str]:
    """Lines of the form ``label: reason``, a reason that several labels share once."""
    labels: dict[str, list[str]] = {}
    for line in lines:
        label, mark, reason = line.partition(": ")
        labels.setdefault(reason if mark else line, []).append(label)
    return [f"{', '.join(of)}: {reason}" if of != [reason] else reason for reason, of in labels.items()]


def _line(text: str) -> str:
    """Harmless text that begins a line or an item: nothing in it starts a list of its own."""
    safe = markdown_text(text, LONGEST).strip()
    return f"\\{safe}" if safe.startswith("-") else re.sub(r"^(\d+)\.", r"\1\.", safe)


def _matrix(matrix: Mapping[str, Any] | None) -> Iterator[str]:
    if not matrix or not matrix["rows"]:
        return
    labels = [f"{markdown_text(one['label'])} ({one['weight']:g})" for one in matrix["weights"]]
    yield from ("", f"## {markdown_text(matrix['title'])}", "")
    yield f"| candidate | met, of 100 | {' | '.join(labels)} |"
    yield "|---|---|" + "---|" * len(labels)
    for row in matrix["rows"]:
        span = f"{100 * row['sure']:.0f} to {100 * row['possible']:.0f}"
        cells = [row["criteria"][one["rule"]] for one in matrix["weights"]]
        yield f"| {markdown_text(row['candidate'])} | {span} | {' | '.join(cells)} |"


def asked(row: Mapping[str, Any]) -> str:
    """A bound as people write it."""
    if row["bound"] is None:
        return "yes"
    side = "above" if row["direction"] == "higher" else "below"
    return f"{side} {shown(row['bound'], row['unit'])}"


def shown(value: float | None, unit: str | None) -> str:
    """A number with its unit, where it has one that is said."""
    if value is None:
        return ""
    if abs(value) < NOTHING:
        value = 0.0
    return f"{value:.3g}" + ("" if unit in (None, "ratio", "distance") else f" {markdown_text(str(unit))}")


def between(score: Mapping[str, Any]) -> str:
    """The interval."""
    low, high = score.get("low"), score.get("high")
    return "" if low is None or high is None else f"{low:.3g} to {high:.3g}"


def duration(found: Mapping[str, Any]) -> str:
    """Predicted time and GPU hours in words."""
    seconds = found["seconds"]
    hours = found.get("gpu_hours")
    card = f"GPU hours: {found.get('gpu') or 'not measured on a card'}" if hours is None else f"{hours:.1f} GPU hours"
    if seconds is None:
        return f"time not predicted: {markdown_text(found['reason'])}; {card}"
    return f"about {in_words(seconds)}, {markdown_text(found['reason'])}; {card}"


def in_words(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds <= LONG_S else f"{seconds / 86400:.0f} days"
