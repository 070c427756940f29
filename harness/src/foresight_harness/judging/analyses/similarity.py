"""Analysis ``similarity``: which representations are alike? Layers, candidates and decoders' latents, in pairs.

Debiased linear CKA over the tokens that cells of suite ``alignment`` kept, from n x n kernels in float64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import weights_caveat
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.run_folder.tokens import Tokens

MOST = 24
"""Representations of a data set that are compared; pairs grow with the square."""
FOLDS = 10
PERMUTATIONS = 100
SEED = 0
ESTIMATOR = "debiased linear CKA"
COLUMNS = (
    Column("a", "one"),
    Column("b", "other"),
    Column("dataset", "data set"),
    Column("estimator", "estimator"),
    Column("measured", "measured", "ratio", "higher"),
    Column("null_mean", "mean of the null"),
    Column("null_p95", "95 % of the null"),
)


class _Pair(NamedTuple):
    value: float
    low: float
    high: float
    null: Floats


def analyse(run: RunData) -> Analysis | None:
    """Compare what alignment cells kept, pair by pair; None where fewer than two representations have any spread."""
    records = [record for record in run.select(suite="alignment", metric="cka") if record.tokens_digest]
    rows: list[dict[str, Any]] = []
    left_out = 0
    for dataset in dict.fromkeys(record.dataset for record in records):
        kept = _representations(run, [record for record in records if record.dataset == dataset])
        left_out += max(0, len(kept) - MOST)
        rows += _rows(dict(list(kept.items())[:MOST]), dataset)
    if not rows:
        return None
    caveats = [
        "Grids are averaged to 4 x 4 cells, to be comparable; suite alignment compares on the latents' grid.",
        "Pictures' mean colour alone makes representations alike: read values against the rows of shuffled tokens.",
    ]
    if left_out:
        caveats.append(f"{left_out} representations beyond {MOST} of a data set are left out.")
    caveats += weights_caveat(records, "what is drawn describes this run")
    return Analysis(
        kind="similarity",
        form=2,
        title="Which representations are alike?",
        finding=_finding(rows),
        caveats=tuple(caveats),
        inputs={
            "suites": ["alignment"],
            "estimator": f"{ESTIMATOR} (Song et al. 2012), n x n in float64",
            "method": f"jackknife-t over {FOLDS} folds of pictures; null of {PERMUTATIONS} exchanges of pictures",
            "seed": SEED,
        },
        columns=COLUMNS,
        rows=tuple(rows),
    )


def _representations(run: RunData, records: Sequence[Record]) -> dict[str, Tokens]:
    """By name: conditioning of each candidate, once where only decoders differ, and latents of each decoder."""
    conditioning: dict[str, Tokens] = {}
    latents: dict[str, Tokens] = {}
    for record in records:
        parts = run.tokens(record.cell)
        if not parts:
            raise RunFolderError(f"tokens of cell {record.cell} ({record.candidate}) are absent")
        conditioning.setdefault(_name(record), parts["conditioning"])
        latents.setdefault(f"latents of {record.axes.decoder}", parts["latents"])
    return {name: tokens for name, tokens in (latents | conditioning).items() if np.ptp(tokens.features) > 0}


def _name(record: Record) -> str:
    """Streams alone where the rest is plain; the whole candidate where a part before the decoder was trained."""
    streams, enhancer, fusion, _ = record.candidate.split("/")
    params: Mapping[str, int] = record.params or {}
    if params.get("enhancer") or params.get("fusion"):
        return str(record.candidate)
    return streams if (enhancer, fusion) == ("identity", "single") else f"{streams}/{enhancer}/{fusion}"


def _rows(kept: Mapping[str, Tokens], dataset: str) -> list[dict[str, Any]]:
    names = list(kept)
    if len(names) < 2:
        return []
    first = kept[names[0]]
    if any(tokens.samples != first.samples for tokens in kept.values()):
        raise RunFolderError(f"tokens of data set {dataset} are of unequal pictures")
    pairs = compare([tokens.features for tokens in kept.values()], first.samples)
    return [
        {
            "a": names[a],
            "b": names[b],
            "dataset": dataset,
            "estimator": ESTIMATOR,
            "measured": Measured(pair.value, _finite(pair.low), _finite(pair.high), len(first.samples), "jackknife-t"),
            "null_mean": float(pair.null.mean()),
            "null_p95": float(np.quantile(pair.null, 0.95)),
        }
        for (a, b), pair in pairs.items()
    ]


def compare(features: Sequence[Any], samples: Sequence[str]) -> dict[tuple[int, int], _Pair]:
    """Debiased linear CKA of every pair, with interval and null.

    Args:
        features: Rows of the same samples. m x [n, d_i]
        samples: Picture of each row; the rows of one picture are consecutive and equally many. n
    """
    grams = [_gram(np.asarray(rows, dtype=np.float64)) for rows in features]
    order = list(dict.fromkeys(samples))
    picture = np.array([order.index(sample) for sample in samples])
    step = len(samples) // len(order)
    whole = _all_pairs(grams)
    fold = picture % min(FOLDS, len(order))
    without = []
    for left_out in range(fold.max() + 1):
        kept = np.flatnonzero(fold != left_out)
        without.append(_all_pairs([gram[np.ix_(kept, kept)] for gram in grams]))
    rng = np.random.default_rng(SEED)
    centred, nulls, count = _unit(grams), [], len(samples)
    above = np.triu_indices(count, 1)  # kernels are symmetric and their diagonals 0: half of them says all
    half = 2 * centred[:, above[0] * count + above[1]]
    for _ in range(PERMUTATIONS):
        moved = (rng.permutation(len(order))[:, None] * step + np.arange(step)).ravel()
        # Exchanging pictures exchanges rows and columns of a centred kernel: it need not be centred again.
        exchanged = np.take(centred, moved[above[0]] * count + moved[above[1]], axis=1)
        nulls.append(np.clip(half @ exchanged.T, -1, 1))
    sizes = np.bincount(fold)
    null, spread = np.stack(nulls), np.stack(without)
    return {
        (a, b): _Pair(float(whole[a, b]), *_jackknife(float(whole[a, b]), spread[:, a, b], sizes), null[:, a, b])
        for a in range(len(grams))
        for b in range(a + 1, len(grams))
    }


def _gram(rows: Floats) -> Floats:
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0)
    return gram


def _all_pairs(grams: Sequence[Floats]) -> Floats:
    """CKA of every kernel with every one. [m, m]"""
    x = np.stack([_u_centred(gram).ravel() for gram in grams])
    norms = np.sqrt(np.square(x).sum(axis=1))
    return np.asarray(np.clip(x @ x.T / np.outer(norms, norms), -1, 1))


def _unit(grams: Sequence[Floats]) -> Floats:
    """Centred kernels of unit length, flattened: their inner products are CKA. [m, n * n]"""
    x = np.stack([_u_centred(gram).ravel() for gram in grams])
    return np.asarray(x / np.sqrt(np.square(x).sum(axis=1, keepdims=True)))


def _u_centred(gram: Floats) -> Floats:
    """Inner products of two such are the unbiased HSIC up to a factor. Source: arXiv 1310.2926. [n, n]"""
    n, sums = len(gram), gram.sum(axis=1)
    centred = gram - (sums[:, None] + sums[None, :]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return np.asarray(centred)


def _jackknife(whole: float, without: Floats, sizes: Any) -> tuple[float, float]:
    """Delete-group jackknife for groups of unequal size. Source: doi 10.1023/A:1008800423698."""
    count = len(sizes)
    if count < 3:
        return math.nan, math.nan
    ratio = sizes.sum() / sizes
    centre = count * whole - ((1 - 1 / ratio) * without).sum()
    pseudo = ratio * whole - (ratio - 1) * without
    reach = float(stdtrit(count - 1, 0.975)) * math.sqrt(float((np.square(pseudo - centre) / (ratio - 1)).mean()))
    return max(whole - reach, -1.0), min(whole + reach, 1.0)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _finding(rows: Sequence[Mapping[str, Any]]) -> str:
    clear = sum(row["measured"].low is not None and row["measured"].low > row["null_p95"] for row in rows)
    top = max(rows, key=lambda row: row["measured"].value)
    return (
        f"{clear} of {len(rows)} pairs stand clear of exchanged pictures; most alike are {top['a']} and {top['b']} on "
        f"{top['dataset']} ({top['measured'].value:.2f})."
    )
