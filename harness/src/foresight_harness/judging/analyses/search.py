"""What a search found: who can be the best, who was left out where and why, and what of it is guaranteed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.planning.search.planner import Elimination, Result, Score, Search, Standing, replay, rule_of
from foresight_harness.planning.search.race import Race, levels, race
from foresight_harness.planning.search.rungs import RACE
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.search.kept import Kept, holds_search, made_rungs, read_kept
from foresight_harness.running.search.reading import last_race, results_of

KIND = "search"
NAMED = 5
"""Candidates that a sentence names; the others are counted."""
BEST, WORSE, LEFT_OUT, FAILED, OPEN = (
    "can be the best",
    "told to be worse",
    "left out",
    "could not be scored",
    "not decided",
)
COLUMNS = (
    *(Column("candidate", "candidate"), Column("outcome", "outcome"), Column("letters", "letters")),
    *(Column("rung", "last rung"), Column("score", "score there"), Column("reason", "why"), Column("rule", "rule")),
    Column("in_full", "fitted in full"),
)


def analyse(run: RunData) -> Analysis | None:
    """Conclude from the rungs that a run keeps and from its own records; None where it is the end of no search.

    Raises:
        RunFolderError: where a rung cannot be read.
        UsageError: where a rung could score nobody.
    """
    if not holds_search(run.path):
        return None
    kept = read_kept(run.path)
    results = results_of(run.path, kept)
    before = replay(kept.search, results)
    final, last = None, last_race(run, kept, results)
    if last.values is not None:
        results = [*results, last]
        final = race(last.values, levels(kept.search.rungs, kept.search.alpha)[last.rung])
    standing = replay(kept.search, results)
    target, in_full = kept.target, _in_full(kept.search, results)
    never = [name for name in kept.search.streams if name not in in_full]
    return Analysis(
        kind=KIND,
        title="What the search found",
        finding=_finding(kept, standing, final, len(never)),
        columns=COLUMNS,
        rows=tuple(_rows(kept.search, standing, last.scores, final, in_full)),
        caveats=tuple(_caveats(kept, before, final, never)),
        inputs={
            **{"suite": target.suite, "metric": target.metric, "probe": target.probe, "dataset": target.dataset},
            **{"alpha": kept.search.alpha, "budget": kept.budget, "predicted": dict(kept.predicted)},
            "method": None if final is None else final.method,
        },
        further={
            "best": [] if final is None else list(final.best),
            "never_fitted_in_full": never,
            "guarantee": _guarantee(kept, final, in_full),
            "rungs": _rungs(run, kept, results),
        },
    )


def _in_full(search: Search, results: Sequence[Result]) -> set[str]:
    """Candidates with fits of every step and seed on every training picture that gave a score."""
    return {
        name
        for result in results
        if search.rungs[result.rung].kind == RACE
        for name, score in result.scores.items()
        if score.value is not None
    }


def _rows(
    search: Search,
    standing: Standing,
    scores: Mapping[str, Score],
    final: Race | None,
    in_full: set[str],
) -> Iterator[Mapping[str, Any]]:
    """Those that can be the best, best first, then the others, the last to be left out first."""
    best = () if final is None else final.best
    last = search.rungs[-1].name
    for name in (*best, *(one for one in standing.survivors if one not in best)):
        yield {
            "candidate": name,
            "outcome": BEST if name in best else OPEN,
            "letters": "" if final is None else final.letters.get(name, ""),
            "rung": last if name in best else "",
            "score": _measured(scores.get(name)),
            "reason": "nothing is told to be better" if name in best else "the race on every test picture is not over",
            "rule": rule_of(search.rungs[-1], None),
            "in_full": name in in_full,
        }
    for one in sorted(standing.eliminated, key=lambda one: -one.rung):
        yield {
            "candidate": one.candidate,
            "outcome": _outcome(search, one),
            "letters": "" if final is None else final.letters.get(one.candidate, ""),
            "rung": search.rungs[one.rung].name,
            "score": _measured(one.score),
            "reason": one.reason,
            "rule": one.rule,
            "in_full": one.candidate in in_full,
        }


def _outcome(search: Search, one: Elimination) -> str:
    if one.score is None or one.score.value is None:
        return FAILED
    return WORSE if search.rungs[one.rung].kind == RACE else LEFT_OUT


def _measured(score: Score | None) -> Measured | None:
    if score is None or score.value is None:
        return None
    return Measured(score.value, score.low, score.high, score.n, score.method)


def _finding(kept: Kept, standing: Standing, final: Race | None, never: int) -> str:
    count, where = len(kept.search.streams), f"by {kept.target.metric} on {kept.target.dataset}"
    worse = sum(kept.search.rungs[one.rung].kind == RACE for one in standing.eliminated)
    if final is None:
        return (
            f"Of {count} candidates, {len(standing.survivors)} are left {where}; the race on every test picture has "
            f"not been run, and {never} were not fitted in full."
        )
    names = list(final.best)
    can = "is the best" if len(names) == 1 else f"{len(names)} can be the best"
    others = f"{worse} {_were(worse)} told to be worse, {never} {_were(never)} never fitted in full"
    if len(names) == 1:
        return f"Of {count} candidates, {names[0]} {can} {where} of those that were fitted in full; {others}."
    return f"Of {count} candidates, {can} {where}: {_listed(names)}; {others}."


def _guarantee(kept: Kept, final: Race | None, in_full: set[str]) -> str:
    """What holds and what does not, in one sentence."""
    count = len(kept.search.streams)
    if final is None:
        return "Nothing is guaranteed: only the race compares candidates with a known chance of a mistake."
    held = (
        f"Guaranteed is only what the race says of the {len(in_full)} candidates that were fitted in full: the chance "
        f"that it tells two equal ones apart, over all pairs and looks, is at most {100 * kept.search.alpha:g} %"
    )
    if len(in_full) == count:
        return f"{held}."
    return (
        f"{held}; that the best of all {count} is among them is not guaranteed, for shorter fits left the others out."
    )


def _caveats(kept: Kept, before: Standing, final: Race | None, never: Sequence[str]) -> Iterator[str]:
    yield _guarantee(kept, final, set(kept.search.streams) - set(never))
    if before.eliminated:
        yield (
            "Rungs before the race fitted on three quarters of the training pictures and scored on the rest: no test "
            "picture had a part in what they left out, and their scores are not comparable with the race's."
        )
    alone = () if final is None else final.one_seed
    if alone:
        yield (
            f"{len(alone)} of the candidates in the race {_were(len(alone))} trained with one seed, so nothing is told "
            "from them: use more with --seeds."
        )


def _rungs(run: RunData, kept: Kept, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each rung that was scored, in order: what entered, what was kept, and at what cost."""
    folders = {one.rung: one.folder for one in made_rungs(run.path)}
    level, found = levels(kept.search.rungs, kept.search.alpha), []
    for place, result in enumerate(results):
        rung = kept.search.rungs[result.rung]
        left = replay(kept.search, results[: place + 1]).survivors
        found.append(
            {
                **{"rung": rung.name, "kind": rung.kind, "folder": folders.get(result.rung)},
                **{"rule": rule_of(rung, result.keep), "entering": len(result.entering), "kept": len(left)},
                **{"level": level.get(result.rung), "seconds": round(result.seconds, 1) or None},
                "shortened": result.shortened,
            }
        )
    return found


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
