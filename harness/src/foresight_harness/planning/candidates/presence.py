"""Whether the weights of a candidate lie on this machine: a matrix may hold what only some machines can score."""

from __future__ import annotations

from foresight_harness.parts.weights.present_files import local_file
from foresight_harness.planning.candidates.resolve import ResolvedCandidate


def absent_weights(candidate: ResolvedCandidate) -> str | None:
    """Why a candidate with published weights cannot be scored here, in one line; None where nothing is missing.

    What no table names is not looked for. Files are not read: what is damaged fails where it is loaded.
    """
    for stream in candidate.streams:
        published = stream.lineage[-1].published
        for entry in published.files if published is not None else ():
            if published is not None and local_file(published, entry.file) is None:
                return f"{stream.ref}: its weights are not here; foresight-bench weights fetch {published.name}"
    return None
