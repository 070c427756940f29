"""The first run against each other one, as the harness compared them: rows for the page. Nothing is judged here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, Measured, amount, parse_analysis, quantity, said, truth
from foresight_reports.errors import ReportError
from foresight_reports.reading import Run
from foresight_reports.records import SCHEMA, Record, check_schema

KEYS = ("candidate", "suite", "dataset", "metric", "probe")
Key = tuple[str, str, str, str, str]
NOT_COMPARED = "not compared"
LOOKS = {"regressed": "worse", "improved": "better", "within noise": "within-noise", NOT_COMPARED: "not-compared"}
"""Look of a verdict; its word is the harness's own."""
UNMADE = (
    "Which numbers differ by more than noise is not said here, because no comparison was handed to this page: "
    "`foresight-bench report {} {}` makes one."
)


@dataclass(frozen=True)
class Change:
    """One number of either run, with the harness's verdict."""

    candidate: str
    suite: str
    dataset: str
    metric: str
    probe: str
    verdict: str
    sentinel: bool
    base: Measured
    head: Measured
    delta: Measured
    p_value: float | None
    """Corrected."""
    reason: str
    now: Record | None
    before: Record | None

    @property
    def look(self) -> str:
        """Name of the style of its verdict."""
        return LOOKS.get(self.verdict, "mute")

    @property
    def record(self) -> Record | None:
        """What unit and weights are read from."""
        return self.now or self.before

    @property
    def unit(self) -> str:
        """Of the number, empty where neither run has its record."""
        return self.record.unit if self.record else ""

    @property
    def weights(self) -> str:
        """Kind of the weights behind it."""
        return self.record.weights if self.record else "none"

    @property
    def why(self) -> str:
        """Reason, corrected p, pairs: what there is of them."""
        p_value = f"corrected p {self.p_value:.2g}" if self.p_value is not None else ""
        pairs = f"{self.delta.n} pairs" if self.delta.n else ""
        return "; ".join(filter(None, (self.reason, p_value, pairs)))


@dataclass(frozen=True)
class Comparison:
    """The harness's comparison with one other run."""

    other: str
    finding: str
    notes: Sequence[str]
    changes: Sequence[Change]

    @property
    def compared(self) -> list[Change]:
        """The changes that are more than a refusal."""
        return [change for change in self.changes if change.verdict != NOT_COMPARED]

    @property
    def obstacles(self) -> list[tuple[str, int]]:
        """Why numbers were not compared, with how many; the most frequent first."""
        return Counter(change.reason for change in self.changes if change.verdict == NOT_COMPARED).most_common()


def comparisons(runs: Sequence[Run], made: Sequence[Mapping[str, Any]]) -> list[Comparison]:
    """The comparisons that the harness made of the first run with each other one, in their order.

    Args:
        runs: The run that the page is about, then the ones it is compared with.
        made: One a further run, as ``foresight-bench compare --json`` prints it; empty where nobody compared them.

    Raises:
        ReportError: when there are some, and not one for each further run.
    """
    if not made:
        unmade = [UNMADE.format(runs[0].name, other.name) for other in runs[1:]]
        return [Comparison(other.name, said_so, (), ()) for other, said_so in zip(runs[1:], unmade, strict=True)]
    if len(made) != len(runs) - 1:
        raise ReportError(f"{len(made)} comparisons for {len(runs) - 1} further runs. Hand over one for each of them.")
    return [_comparison(runs[0], other, content) for other, content in zip(runs[1:], made, strict=True)]


def _comparison(run: Run, other: Run, content: Mapping[str, Any]) -> Comparison:
    check_schema(content.get("schema", SCHEMA), f"the comparison with {other.name}")
    notes: list[str] = []
    analysis = parse_analysis(content, "comparison", f"The comparison with {other.name}", notes)
    if analysis is None:
        return Comparison(other.name, "", notes, ())
    return Comparison(other.name, analysis.finding, [*analysis.caveats, *notes], _changes(analysis, run, other))


def _changes(analysis: Analysis, run: Run, other: Run) -> list[Change]:
    mine, theirs = _by_key(run), _by_key(other)
    changes = []
    for line in analysis.rows:
        candidate, suite, dataset, metric, probe = key = _key_of(line)
        changes.append(
            Change(
                candidate=candidate,
                suite=suite,
                dataset=dataset,
                metric=metric,
                probe=probe,
                verdict=said(line, "verdict"),
                sentinel=truth(line, "sentinel") or False,
                base=quantity(line, "base"),
                head=quantity(line, "head"),
                delta=quantity(line, "delta"),
                p_value=amount(line, "p_adjusted"),
                reason=said(line, "reason"),
                now=mine.get(key),
                before=theirs.get(key),
            )
        )
    return changes


def _key_of(line: Line) -> Key:
    candidate, suite, dataset, metric, probe = (said(line, name) for name in KEYS)
    return candidate, suite, dataset, metric, probe


def _by_key(run: Run) -> dict[Key, Record]:
    return {(r.candidate, r.suite, r.dataset, r.metric, r.probe or ""): r for r in run.records if r.metric is not None}
