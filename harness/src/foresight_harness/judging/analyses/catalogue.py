"""The analyses by kind. Each is a pure function of a finished run, so that ``foresight-bench verify`` can repeat it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import ForesightError, RunFolderError
from foresight_harness.judging.analyses.envelope import Analysis, analysis_path, write_analysis
from foresight_harness.running.run_folder.folder import writing
from foresight_harness.running.run_folder.run_data import RunData

Analyse = Callable[[RunData], Analysis | None]


@dataclass(frozen=True)
class Kind:
    """A kind of analysis; ``module`` is imported when it runs and offers ``analyse(run) -> Analysis | None``.

    None means that the run holds nothing that it could conclude from.
    """

    kind: str
    module: str
    form: int = 1
    """That it concludes in today; a run keeps what it was concluded in."""

    def analyse(self, run: RunData) -> Analysis | None:
        """Conclude. Raises: whatever is wrong with the run or the analysis."""
        function: Analyse = import_module(self.module).analyse
        found = function(run)
        if found is not None and found.kind != self.kind:
            raise ValueError(f"analysis {self.kind!r} calls itself {found.kind!r}")
        if found is not None and found.form != self.form:
            raise ValueError(f"analysis {self.kind!r} has form {found.form}, {self.form} is known")
        return found


KINDS: tuple[Kind, ...] = (
    Kind("gates", "foresight_harness.judging.analyses.gates"),
    Kind("admission", "foresight_harness.judging.analyses.admission"),
    Kind("rankings", "foresight_harness.judging.analyses.rankings", form=2),
    Kind("search", "foresight_harness.judging.analyses.search"),
    Kind("twins", "foresight_harness.judging.analyses.twins"),
    Kind("proxies", "foresight_harness.judging.analyses.proxies"),
    Kind("attribution", "foresight_harness.judging.analyses.attribution", form=2),
    Kind("layers", "foresight_harness.judging.analyses.layers"),
    Kind("audit", "foresight_harness.judging.analyses.audit", form=2),
    Kind("enhancement", "foresight_harness.judging.analyses.enhancement", form=2),
    Kind("similarity", "foresight_harness.judging.analyses.similarity", form=2),
    Kind("embeddings", "foresight_harness.judging.analyses.embeddings", form=2),
    Kind("categories", "foresight_harness.judging.analyses.categories"),
    Kind("borders", "foresight_harness.judging.analyses.borders"),
    Kind("parameters", "foresight_harness.judging.analyses.parameters"),
    Kind("ab", "foresight_harness.judging.analyses.ab"),
)
"""In the order in which they run."""
FOLDER = "run"
"""Stands for all kinds where the run folder itself cannot be read or written."""


class Concluded(NamedTuple):
    """What came of the analyses of a run."""

    written: Mapping[str, Analysis]
    failures: Mapping[str, str]
    """One line by kind. Never empty and silent: a failure makes the session fail."""
    traces: Mapping[str, str]


def conclude(path: Path, kinds: tuple[Kind, ...] | None = None) -> Concluded:
    """Run every analysis on a run folder and write what it found; what nobody concludes any more is removed."""
    kinds = KINDS if kinds is None else kinds
    written: dict[str, Analysis] = {}
    failures: dict[str, str] = {}
    traces: dict[str, str] = {}
    try:
        run = RunData.load(path)
    except ForesightError as error:
        return Concluded(written, {FOLDER: str(error)}, traces)
    for kind in kinds:
        try:
            found = kind.analyse(run)
            if found is None:
                analysis_path(path, kind.kind).unlink(missing_ok=True)
            elif (full := _unwritten(path, found)) is None:
                written[kind.kind] = found
            else:  # the disk takes the others no better
                failures[FOLDER] = full
                break
        except Exception as error:  # one analysis that fails must not take the others, the report or the run with it
            analysis_path(path, kind.kind).unlink(missing_ok=True)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            failures[kind.kind] = reason[:400]
            traces[kind.kind] = traceback.format_exc()
    return Concluded(written, failures, traces)


def _unwritten(path: Path, found: Analysis) -> str | None:
    """Write a conclusion; one line where the run folder cannot be written."""
    try:
        with writing(path):
            write_analysis(path, found)
    except RunFolderError as error:
        return str(error)
    return None
