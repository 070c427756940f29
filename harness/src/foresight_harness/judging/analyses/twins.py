"""Analysis ``twins``: what is training worth? Candidates against the same ones with random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.controls.variants import TWIN
from foresight_harness.parts.statistics.bootstrap import resamples
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.families import METHOD, Comparison, compare_family
from foresight_harness.parts.statistics.interval import percentile_ends
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.running.run_folder.run_data import RunData, SampleValues

TRAINED = ("published", "pretrained", "nano")
PIXELS = "pixels@patch/"
LEVEL = 0.95
COLUMNS = (
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("candidate", "candidate"),
    Column("score", "trained"),
    Column("twin_score", "random twin"),
    Column("gain", "gain by training"),
    Column("p", "p, familywise"),
    Column("separated", "told apart"),
    Column("share", "share of the way from twin to ceiling"),
    Column("share_refused", "why there is no share"),
    Column("architecture", "twin over raw pixels"),
    Column("architecture_p", "p of that, familywise"),
)


class _Pair(NamedTuple):
    """A trained candidate and the same one with random weights."""

    candidate: Record
    twin: Record


@dataclass(frozen=True)
class _Board:
    """Pairs that share suite, data set, metric, probe and protocol, with their values on the same samples."""

    pairs: tuple[_Pair, ...]
    pixels: Record | None
    values: Mapping[str, SampleValues]
    """By candidate."""

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1: gains are positive where the first is better."""
        return -1.0 if self.pairs[0].candidate.direction == "lower" else 1.0


def analyse(run: RunData) -> Analysis | None:
    """Hold every trained candidate against its twin; None where the run has no twins, or none that may be compared."""
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for records in _by_board(run).values():
        pairs = _pairs(records)
        board = _with_values(run, records, pairs) if pairs else None
        if board is not None:
            rows += _rows(board)
        elif pairs:
            first = pairs[0].candidate
            skipped.append(f"{first.metric} on {first.dataset}")
    if not rows:
        return None
    caveats = [
        "A twin is one draw of random weights: another seed gives another twin, and its spread is not in the interval.",
        "A share is of the way from the twin's score to the ceiling's, which is taken as measured.",
    ]
    if skipped:
        caveats.append(f"Not scored on the same samples, and so left out: {', '.join(skipped[:3])}.")
    return Analysis(
        kind="twins",
        title="What is training worth?",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={"method": METHOD, "alpha": ALPHA, "metrics": sorted({row["metric"] for row in rows})},
        columns=COLUMNS,
        rows=tuple(rows),
    )


def original_of(twin: str) -> str:
    """The candidate whose twin this is: ``random:alexnet@relu4/...`` is of ``alexnet@relu4/...``."""
    return twin.replace(f"{TWIN}:", "")


def _by_board(run: RunData) -> dict[tuple[Any, ...], list[Record]]:
    """Records of metrics that rank and have a value a sample; none that is not believed."""
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in run.records:
        suite = run.suites.get(record.suite)
        ranked = suite is not None and record.metric in suite.ranked_by and record.direction in ("higher", "lower")
        if ranked and record.per_sample == "values" and record.value is not None and record.believed:
            key = (record.suite, record.dataset, record.metric, record.probe, record.protocol)
            found.setdefault(key, []).append(record)
    return found


def _pairs(records: Sequence[Record]) -> tuple[_Pair, ...]:
    twins = {original_of(record.candidate): record for record in records if record.role == "twin"}
    return tuple(
        _Pair(record, twins[record.candidate])
        for record in records
        if record.is_candidate and record.candidate in twins and set(record.weights) & set(TRAINED)
    )


def _with_values(run: RunData, records: Sequence[Record], pairs: tuple[_Pair, ...]) -> _Board | None:
    """The board with everybody's values; None where they are of different samples. Raises: RunFolderError."""
    pixels = next((record for record in records if record.candidate.startswith(PIXELS)), None)
    wanted = [record for pair in pairs for record in pair] + ([pixels] if pixels is not None else [])
    values = {record.candidate: found for record in wanted if (found := run.values(record)) is not None}
    samples = {found.samples for found in values.values()}
    if len(samples) != 1 or any(record.candidate not in values for record in wanted):
        return None
    return _Board(pairs, pixels, values)


def _rows(board: _Board) -> list[dict[str, Any]]:
    names = list(board.values)
    groups = next(iter(board.values.values())).groups
    evidence = mean_evidence([board.values[name].values for name in names], groups)
    place = {name: index for index, name in enumerate(names)}
    bounds = (board.pairs[0].candidate.range[0], board.pairs[0].candidate.range[1])
    training = [(place[pair.candidate.candidate], place[pair.twin.candidate]) for pair in board.pairs]
    gains = compare_family(evidence, training, bounds)
    bare: list[Comparison | None] = [None] * len(board.pairs)
    if board.pixels is not None:
        floor = place[board.pixels.candidate]
        bare = list(compare_family(evidence, [(twin, floor) for _, twin in training], bounds))
    return [
        _row(board, pair, gain, architecture, evidence.n)
        for pair, gain, architecture in zip(board.pairs, gains, bare, strict=True)
    ]


def _row(board: _Board, pair: _Pair, gain: Comparison, architecture: Comparison | None, n: int) -> dict[str, Any]:
    share, refused = _share(board, pair)
    return {
        "suite": pair.candidate.suite,
        "dataset": pair.candidate.dataset,
        "metric": pair.candidate.metric,
        "probe": pair.candidate.probe,
        "candidate": pair.candidate.candidate,
        "score": Measured.of(pair.candidate),
        "twin_score": Measured.of(pair.twin),
        "gain": _measured(gain, board.sign, n),
        "p": gain.p_value,
        "separated": gain.separated,
        "share": share,
        "share_refused": refused,
        "architecture": None if architecture is None else _measured(architecture, board.sign, n),
        "architecture_p": None if architecture is None else architecture.p_value,
    }


def _measured(found: Comparison, sign: float, n: int) -> Measured:
    """A difference that is positive where the first is better, with its familywise interval."""
    if found.low is None or found.high is None:
        return Measured(sign * found.difference, None, None, n, None)
    low, high = sorted((sign * found.low, sign * found.high))
    return Measured(sign * found.difference, low, high, n, METHOD)


def _share(board: _Board, pair: _Pair) -> tuple[Measured | None, str | None]:
    """Part of the way from the twin's mean to the ceiling, and why there is none.

    A ceiling that does not lie above the twin is none, and a share above 1 says that the ceiling is broken.
    """
    ceiling = pair.candidate.ceiling
    if ceiling is None:
        return None, "no ceiling was measured"
    ours, twin = board.values[pair.candidate.candidate], board.values[pair.twin.candidate]
    both = ~(np.isnan(ours.mean_over_seeds) | np.isnan(twin.mean_over_seeds))
    columns = np.where(both, (ours.mean_over_seeds, twin.mean_over_seeds), 0.0).T
    room = board.sign * (ceiling - columns[both, 1].mean())
    if room <= 0:
        return None, "the ceiling is not above the twin"
    value = board.sign * float(columns[both, 0].mean() - columns[both, 1].mean()) / room
    if value <= 0:
        return None, "the score is not above its twin's"
    if value > 1:
        return None, f"the score lies above its ceiling ({pair.candidate.ceiling_by or 'as measured'}: {ceiling:.3f})"
    weights = resamples(ours.groups).weights() * both
    means = (weights @ columns) / weights.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (means[:, 0] - means[:, 1]) / (ceiling - means[:, 1])
    if not np.isfinite(drawn).all():
        return Measured(value, None, None, int(both.sum()), None), None
    low, high = percentile_ends(drawn, LEVEL)
    return Measured(value, float(low), float(high), int(both.sum()), f"bootstrap-percentile-{100 * LEVEL:g}"), None


def _finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many candidates training lifts, and where it is worth most: size and architecture beside it."""
    lifted = [row for row in rows if row["separated"] and row["gain"].value > 0]
    lowered = sum(row["separated"] for row in rows) - len(lifted)
    told = f"Trained weights beat random ones of the same architecture in {len(lifted)} of {len(rows)} comparisons"
    told += f" and lose to them in {lowered}." if lowered else "."
    shown = max(lifted or rows, key=lambda row: row["share"].value if row["share"] else -np.inf)
    gain, bare = shown["gain"], shown["architecture"]
    probe = f" ({shown['probe']})" if shown["probe"] else ""
    name = str(shown["candidate"]).partition("/")[0]
    told += f" By {shown['metric']}{probe} on {shown['dataset']}, training is worth {_told(gain)} to {name}"
    if shown["share"] is not None:
        told += f", {shown['share'].value:.2f} of the way from its twin to the ceiling"
    return told + (f"; size and architecture alone are worth {_told(bare)} over raw pixels." if bare else ".")


def _told(found: Measured) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
