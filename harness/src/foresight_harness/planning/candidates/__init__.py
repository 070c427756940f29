"""Candidates: pipelines as people write them, and what they resolve to."""

from __future__ import annotations

from foresight_harness.planning.candidates.candidate import Candidate, StreamRef, parse_candidate
from foresight_harness.planning.candidates.matrix import Matrix, read_matrix
from foresight_harness.planning.candidates.resolve import ResolvedCandidate, ResolvedStream, fed_px, resolve
from foresight_harness.planning.candidates.select import Selection, candidates_of, select_candidates, suites_of

__all__ = [
    "Candidate",
    "Matrix",
    "ResolvedCandidate",
    "ResolvedStream",
    "Selection",
    "StreamRef",
    "candidates_of",
    "fed_px",
    "parse_candidate",
    "read_matrix",
    "resolve",
    "select_candidates",
    "suites_of",
]
