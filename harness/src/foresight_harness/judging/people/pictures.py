"""Which reconstructions a run kept as they come, each with its original."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.running.run_folder.run_data import RunData

AS_THEY_COME = "as they come"
"""Label of pictures that nobody chose for their score."""


class Scene(NamedTuple):
    """One sample of a data set."""

    dataset: str
    sample: str
    group: str
    """Cluster of the sample."""


class Kept(NamedTuple):
    """Paths of pictures and clips, relative to the run folder."""

    outputs: Mapping[tuple[str, Scene], str]
    """By candidate and scene."""
    originals: Mapping[Scene, str]

    @property
    def scenes(self) -> list[Scene]:
        """Scenes of which there is a reconstruction, in order."""
        return sorted({scene for _, scene in self.outputs})


def kept_pictures(run: RunData) -> Kept:
    """What may be asked about. Raises: RunFolderError."""
    lines = list(_lines(run))
    groups = _groups(run, lines)
    true = {(line["dataset"], line["sample"]): line["path"] for line in lines if line["kind"] == "target"}
    outputs: dict[tuple[str, Scene], str] = {}
    originals: dict[Scene, str] = {}
    for line in lines:
        where = (line["dataset"], line["sample"])
        if line["kind"] == "output" and line.get("label") == AS_THEY_COME and where in true:
            scene = Scene(*where, groups.get(where, line["sample"]))
            outputs[line["candidate"], scene] = line["path"]
            originals[scene] = true[where]
    return Kept(outputs, originals)


def _lines(run: RunData) -> Iterator[Mapping[str, Any]]:
    """Lines of the index whose picture is there; a damaged one is for ``verify`` to name."""
    file = run.path / "media" / "index.jsonl"
    try:
        rows = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    except OSError as error:
        raise RunFolderError(f"{file} cannot be read: {error.strerror}") from error
    for row in rows:
        try:
            line = json.loads(row)
        except (ValueError, RecursionError):
            continue
        if not isinstance(line, dict) or (line.get("kind") == "output" and not isinstance(line.get("candidate"), str)):
            continue
        if all(isinstance(line.get(key), str) for key in ("kind", "dataset", "sample", "path")):
            within = (run.path / line["path"]).resolve()
            if within.is_relative_to(run.path.resolve()) and within.is_file():
                yield line


def _groups(run: RunData, lines: list[Mapping[str, Any]]) -> Mapping[tuple[str, str], str]:
    """The cluster of each sample, as the cells' own sample files have it."""
    cells = {str(line.get("cell")): line["dataset"] for line in lines if line["kind"] == "output"}
    return {
        (dataset, str(row["sample"])): str(row["group"])
        for cell, dataset in sorted(cells.items())
        for row in run.sample_rows(cell)
    }
