"""Whether the weights of a candidate lie on this machine: a matrix may hold what only some machines can score."""

from __future__ import annotations

from collections.abc import Collection

from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.parts.weights.checkpoint import INSTALLED, carried
from foresight_harness.parts.weights.present_files import local_file
from foresight_harness.planning.candidates.resolve import ResolvedCandidate


def absent_weights(candidate: ResolvedCandidate, supplied: Collection[str] = ()) -> str | None:
    """Why a candidate with published or nano weights cannot be scored here, in one line; None where nothing is missing.

    What no table names is not looked for. Files are not read: what is damaged fails where it is loaded.

    Args:
        candidate: With its streams.
        supplied: Names of encoders whose weights ``--weights-source`` names.
    """
    for stream in candidate.streams:
        spec = stream.lineage[-1]
        if spec.name in supplied:
            continue
        if (said := _not_fetched(spec)) is not None:
            return f"{stream.ref}: {said}"
        if (said := _not_carried(spec)) is not None:
            return f"{spec.name}: {said}"
    return None


def _not_fetched(spec: EncoderSpec) -> str | None:
    published = spec.published
    for entry in published.files if published is not None else ():
        if published is not None and local_file(published, entry.file) is None:
            return f"its weights are not here; foresight-bench weights fetch {published.name}"
    return None


def _not_carried(spec: EncoderSpec) -> str | None:
    if spec.weights[:1] != ("nano",) or not (spec.repo or "").startswith(INSTALLED) or carried(spec.repo or ""):
        return None
    return (
        "its nano weights are not carried; train them as the README of its plugin says, and name the folder: "
        f"--weights-source {spec.name}=FOLDER"
    )
