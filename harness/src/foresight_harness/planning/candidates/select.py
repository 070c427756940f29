"""Which candidates a command means: a matrix, narrowed or widened by what was written."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import CandidateError, UnknownPartError, UsageError
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.parts.controls.variants import TWIN
from foresight_harness.planning.candidates.candidate import Candidate, parse_candidate
from foresight_harness.planning.candidates.feeding import input_size
from foresight_harness.planning.candidates.matrix import read_matrix
from foresight_harness.planning.candidates.presence import absent_weights
from foresight_harness.planning.candidates.resolve import ResolvedCandidate, resolve
from foresight_harness.planning.named_files import by_name
from foresight_harness.planning.options import DEFAULT_SCALE, DatasetChoice, parse_weights_source, scale_of
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.planning.search.rungs import EVERY_DEFAULT, SearchTable

DEFAULT_MATRIX = "smoke"


class Selection(NamedTuple):
    """What a choice of candidates comes to."""

    candidates: tuple[ResolvedCandidate, ...]
    left_out: tuple[str, ...]
    """Why candidates of the matrix were left out: no installed plugin offers a part of them, or their weights are not
    here. Shown, never silent."""
    suites: tuple[str, ...] | None = None
    """Suites that the matrix names; None is every default suite."""
    datasets: tuple[DatasetChoice, ...] = ()
    """Data sets that the matrix names, for where the command names none."""
    only: Mapping[str, tuple[str, ...]] = {}
    """By suite, globs over the candidates that it scores; a suite that is not named scores all of them."""
    scale: str = DEFAULT_SCALE
    """The command's scale, else the matrix's, else ``smoke``."""
    probes: tuple[str, ...] = ()
    """Probes that the matrix names, for where the command names none."""
    added: frozenset[str] = frozenset()
    """Twins and raw pixels that nobody named: scored beside the candidates, never timed."""
    input: str | None = None
    """The input policy that the matrix names, for where the command names none."""

    search: SearchTable = EVERY_DEFAULT
    """What the matrix says of ``--search``."""

    def input_size(self, policy: str, picture_px: int | None) -> int | None:
        """What an input policy comes to for the candidates. Raises: UsageError."""
        return input_size(self.candidates, policy, picture_px)


def suites_of(selection: Selection, registry: Registry) -> tuple[str, ...]:
    """Names of the suites that a selection is scored in, in running order, where the command does not name them."""
    named = selection.suites
    suites = registry.suites.values()
    return tuple(found.name for found in suites if (found.default if named is None else found.name in named))


def candidates_of(selection: Selection, suite: SuiteSpec) -> list[ResolvedCandidate]:
    """The candidates of a selection that a suite scores, where the matrix keeps some from it.

    What was added beside a candidate is scored where that is, and in no suite that measures time.
    """
    patterns = selection.only.get(suite.name, ("*",))
    named = [each for each in selection.candidates if str(each) not in selection.added]
    kept = [each for each in named if _fits(str(each), patterns)]
    if suite.timed:
        return kept
    names = {str(each) for each in kept}
    tails = {each.candidate.decoder for each in kept}
    return kept + [
        each
        for each in selection.candidates
        if str(each) in selection.added
        and (str(each).replace(f"{TWIN}:", "") in names if each.role == "twin" else each.candidate.decoder in tails)
    ]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits, and none of those that begin with ``!``."""
    refused = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted) and not any(
        fnmatch.fnmatchcase(name, pattern) for pattern in refused
    )


def select_candidates(
    registry: Registry,
    patterns: Sequence[str],
    matrix: str | None,
    folders: Sequence[Path],
    scale: str | None = None,
    sources: Sequence[str] = (),
) -> Selection:
    """Choose candidates.

    Args:
        registry: What is on offer.
        patterns: Globs over the matrix's candidates, or whole candidate strings, which need not stand in it.
        matrix: Name of a matrix in ``folders``, or a file; None is ``smoke``.
        folders: Where named matrices are looked for; the first that has one of that name counts.
        scale: The command's scale; None leaves it to the matrix.
        sources: ``NAME=SOURCE`` of weights that the command names: they need not lie where they are looked for.

    Returns:
        Resolved candidates in the matrix's order, each once; those of the matrix whose plugin is absent are left out.
        With them the matrix's defaults for what the command does not say.

    Raises:
        UsageError: where the matrix does not exist or a pattern fits nothing.
        CandidateError: where a candidate names an unknown part.
    """
    listed: dict[str, ResolvedCandidate] = {}
    path = _find_matrix(matrix, folders, required=not patterns or matrix is not None)
    left_out: list[str] = []
    supplied = frozenset(parse_weights_source(text).name for text in sources)
    settings = Selection((), (), scale=scale_of(scale or DEFAULT_SCALE).name)
    if path is not None:
        read = read_matrix(path, registry, scale)
        settings = Selection((), (), read.suites, read.datasets, read.only, read.scale, read.probes, input=read.input)
        settings = settings._replace(search=read.search)
        left_out += read.left_out
        for candidate in read.candidates:
            try:
                resolved = resolve(candidate, registry)
            except UnknownPartError as error:
                left_out.append(str(error))
                continue
            absent = absent_weights(resolved, supplied) if str(candidate) in read.where_weights_are else None
            if absent is None:
                listed.setdefault(str(resolved), resolved)
            elif absent not in left_out:
                left_out.append(absent)
        if not listed and not patterns:
            raise UsageError(f"nothing of matrix {path} can be scored: {left_out[0]}")
    if not patterns:
        return settings._replace(candidates=tuple(listed.values()), left_out=tuple(left_out))
    chosen: dict[str, ResolvedCandidate] = {}
    for pattern in patterns:
        fitting = [name for name in listed if fnmatch.fnmatchcase(name, pattern)]
        if fitting:
            chosen.update((name, listed[name]) for name in fitting)
            continue
        resolved = resolve(_written_out(pattern, registry, listed, path), registry)
        chosen.setdefault(str(resolved), resolved)
    # Who names candidates wants them scored in every suite.
    return settings._replace(candidates=tuple(chosen.values()), only={})


def _written_out(
    pattern: str, registry: Registry, listed: dict[str, ResolvedCandidate], path: Path | None
) -> Candidate:
    """A pattern that fits nothing in the matrix: perhaps a whole candidate, perhaps only its streams, else a slip."""
    if not set(pattern) & set("*?["):
        try:
            return parse_candidate(pattern if "/" in pattern else f"{pattern}/identity/single/linear")
        except CandidateError:
            if "/" in pattern:
                raise
    encoders = sorted({name for candidate in listed.values() for name in candidate.candidate.encoders})
    where = f"matrix {path.stem!r} ({len(listed)} candidates)" if path is not None else "no matrix"
    word = pattern.strip("*").partition("@")[0].partition("/")[0]
    raise UsageError(f"--candidate {pattern!r} fits nothing in {where}{nearest(word, encoders or registry.encoders)}")


def _find_matrix(matrix: str | None, folders: Sequence[Path], *, required: bool) -> Path | None:
    name = matrix or DEFAULT_MATRIX
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    known = by_name(folders)
    if name in known:
        return known[name]
    if not required:
        return None
    places = ", ".join(map(str, folders)) or "no folder"
    raise UsageError(f"no matrix {name!r} in {places}{nearest(name, known)}")
