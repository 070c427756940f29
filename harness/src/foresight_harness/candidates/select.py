"""Which candidates a command means: a matrix, narrowed or widened by what was written."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from foresight_harness.candidates.candidate import Candidate, parse_candidate
from foresight_harness.candidates.matrix import read_matrix
from foresight_harness.candidates.resolve import ResolvedCandidate, resolve
from foresight_harness.errors import CandidateError, UnknownPartError, UsageError
from foresight_harness.registry import Registry
from foresight_harness.registry.registry import nearest

DEFAULT_MATRIX = "smoke"


class Selection(NamedTuple):
    """What a choice of candidates comes to."""

    candidates: tuple[ResolvedCandidate, ...]
    left_out: tuple[str, ...]
    """Why candidates of the matrix were left out: no installed plugin offers a part of them. Shown, never silent."""


def select_candidates(
    registry: Registry, patterns: Sequence[str], matrix: str | None, folders: Sequence[Path]
) -> Selection:
    """Choose candidates.

    Args:
        registry: What is on offer.
        patterns: Globs over the matrix's candidates, or whole candidate strings, which need not stand in it.
        matrix: Name of a matrix in ``folders``, or a file; None is ``smoke``.
        folders: Where named matrices are looked for.

    Returns:
        Resolved candidates in the matrix's order, each once; those of the matrix whose plugin is absent are left out.

    Raises:
        UsageError: where the matrix does not exist or a pattern fits nothing.
        CandidateError: where a candidate names an unknown part.
    """
    listed: dict[str, ResolvedCandidate] = {}
    path = _find_matrix(matrix, folders, required=not patterns or matrix is not None)
    left_out: list[str] = []
    if path is not None:
        read = read_matrix(path, registry)
        left_out += read.left_out
        for candidate in read.candidates:
            try:
                resolved = resolve(candidate, registry)
            except UnknownPartError as error:
                left_out.append(str(error))
            else:
                listed.setdefault(str(resolved), resolved)
        if not listed and not patterns:
            raise UsageError(f"nothing of matrix {path} can be scored: {left_out[0]}")
    if not patterns:
        return Selection(tuple(listed.values()), tuple(left_out))
    chosen: dict[str, ResolvedCandidate] = {}
    for pattern in patterns:
        fitting = [name for name in listed if fnmatch.fnmatchcase(name, pattern)]
        if fitting:
            chosen.update((name, listed[name]) for name in fitting)
            continue
        resolved = resolve(_written_out(pattern, registry, listed, path), registry)
        chosen.setdefault(str(resolved), resolved)
    return Selection(tuple(chosen.values()), ())


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
    known = {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}
    if name in known:
        return known[name]
    if not required:
        return None
    places = ", ".join(map(str, folders)) or "no folder"
    raise UsageError(f"no matrix {name!r} in {places}{nearest(name, known)}")
