"""Several runs read as one: a proposal's numbers may come from more than one night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.run_data import RunData, SampleStats, SampleValues


@dataclass(frozen=True)
class JoinedRuns(RunData):
    """Records of all runs; samples come from the run that a record is of. What two runs measured must hold in both."""

    parts: Mapping[str, RunData] = field(default_factory=dict)

    def values(self, record: Record) -> SampleValues | None:
        """As ``RunData.values``."""
        return self.parts[record.run].values(record)

    def stats(self, record: Record) -> SampleStats | None:
        """As ``RunData.stats``."""
        return self.parts[record.run].stats(record)


def joined(runs: Sequence[RunData]) -> RunData:
    """One run as it is, several as one. Raises: UsageError where a run is given twice."""
    if len(runs) == 1:
        return runs[0]
    parts = {run.path.name: run for run in runs}
    if len(parts) < len(runs):
        raise UsageError("a run was named twice; name each once")
    by_id = {record.run: run for run in runs for record in run.all_records}
    manifest = {
        **runs[0].manifest,
        "protocols": {key: value for run in runs for key, value in (run.manifest.get("protocols") or {}).items()},
        "datasets": [entry for run in runs for entry in run.manifest.get("datasets") or []],
        "suite_facts": {key: value for run in runs for key, value in (run.manifest.get("suite_facts") or {}).items()},
    }
    records = tuple(record for run in runs for record in run.all_records)
    return JoinedRuns(runs[0].path, manifest, records, by_id)
