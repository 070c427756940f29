"""What CI shows of a comparison: JUnit, Markdown, GitHub annotations. Texts of plugins and data are never trusted."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from foresight_harness.judging.comparison.comparing import (
    NOT_COMPARED,
    REGRESSED,
    Compared,
    impossible,
    regressed,
    warned,
)
from foresight_harness.judging.comparison.safe_text import (
    COMMENT_BYTES,
    MARKER,
    command_message,
    markdown_text,
    xml_text,
)

SUMMARY_BYTES = 900_000
"""GitHub drops a job summary over 1 MiB."""
ANNOTATIONS = 10
"""Per kind and step; the last one says how many more there are."""
ROWS = 10


def junit(found: Sequence[Compared], name: str) -> str:
    """One test case a sentinel number; what could not be compared is skipped with its reason."""
    sentinels = [one for one in found if one.sentinel]
    bad = {one.key for one in regressed(found)}
    suite = ElementTree.Element(
        "testsuite",
        name=f"foresight against {xml_text(name)}",
        tests=str(len(sentinels)),
        failures=str(len(bad)),
        errors="0",
        skipped=str(len(impossible(found))),
    )
    for one in sentinels:
        candidate, suite_name, dataset, metric, probe = one.key
        where = ".".join(filter(None, (suite_name, dataset, metric, probe)))
        case = ElementTree.SubElement(suite, "testcase", classname=xml_text(where), name=xml_text(candidate))
        if one.key in bad:
            ElementTree.SubElement(case, "failure", message=xml_text(sentence(one)), type=REGRESSED)
        elif one.verdict == NOT_COMPARED:
            ElementTree.SubElement(case, "skipped", message=xml_text(one.reason))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def sentence(one: Compared) -> str:
    """One number in a line."""
    candidate, suite, dataset, metric, probe = one.key
    where = f"{metric if probe is None else f'{metric} ({probe})'} of {candidate} in {suite} on {dataset}"
    if one.paired is None:
        return f"{where}: {one.reason}"
    before = one.base["value"] if one.base else None
    after = one.head["value"] if one.head else None
    p = f", corrected p {one.p_adjusted:.2g}" if one.p_adjusted is not None else ""
    interval = one.paired.interval
    ends = f" [{interval.low:+.4f}, {interval.high:+.4f}]" if interval else ""
    return f"{where}: {_number(before)} became {_number(after)}, {one.paired.difference:+.4f}{ends}{p}"


def github_annotations(found: Sequence[Compared], blind: Sequence[str] = ()) -> list[str]:
    """GitHub workflow commands, within the ten that a step may show of each kind; ``blind`` is one of the warnings."""
    lines = []
    if blind:
        more = f" (and {len(blind) - 1} more)" if len(blind) > 1 else ""
        lines.append(f"::warning title=too few pictures::{command_message(blind[0] + more)}")
    for level, group in (("error", regressed(found)), ("warning", warned(found))):
        room = ANNOTATIONS - bool(blind and level == "warning")
        most = room if len(group) <= room else room - 1
        lines += [f"::{level} title=regression::{command_message(sentence(one))}" for one in group[:most]]
        if len(group) > most:
            lines.append(f"::{level} title=regression::and {len(group) - most} more; see the report")
    absent = impossible(found)
    if absent:
        text = f"{len(absent)} sentinels were not compared, first: {sentence(absent[0])}"
        lines.append(f"::notice title=not compared::{command_message(text)}")
    return lines


def markdown(
    found: Sequence[Compared],
    finding: str,
    notes: Sequence[str] = (),
    *,
    budget: int = COMMENT_BYTES,
    rows: int = ROWS,
) -> str:
    """Verdict, notes and the numbers that moved most, for a comment or a job summary; cut to the budget of bytes."""
    bad, warn = regressed(found), warned(found)
    state = "Regressed" if bad else "Not compared" if impossible(found) and not _compared(found) else "No regression"
    head = [MARKER, f"### {state}", "", markdown_text(finding), ""]
    head += [line for note in notes[:rows] for line in (markdown_text(note), "")]
    shown = [*bad, *warn, *[one for one in found if one.sentinel and one.verdict == "improved"]]
    table = ["| candidate | number | base | head | difference | verdict |", "|---|---|---:|---:|---:|---|"]
    body: list[str] = []
    for one in shown[:rows]:
        line = _line(one)
        if len("\n".join([*head, *table, *body, line]).encode()) > budget - 200:
            break
        body.append(line)
    left = len(shown) - len(body)
    tail = [f"\n{left} more are in the report.\n"] if left else []
    return "\n".join([*head, *(table if body else []), *body, *tail]) + "\n"


def _compared(found: Sequence[Compared]) -> bool:
    return any(one.sentinel and one.verdict != NOT_COMPARED for one in found)


def _line(one: Compared) -> str:
    candidate, suite, dataset, metric, _ = one.key
    before = one.base["value"] if one.base else None
    after = one.head["value"] if one.head else None
    difference = f"{one.paired.difference:+.4f}" if one.paired else ""
    verdict = one.verdict if one.sentinel else f"{one.verdict} (warning)"
    cells = (candidate, f"{metric}, {suite}, {dataset}", _number(before), _number(after), difference, verdict)
    return "| " + " | ".join(markdown_text(cell) for cell in cells) + " |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
