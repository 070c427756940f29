"""``run.json`` against itself, and against the records that it counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from foresight_harness.contracts.identity import cell_id
from foresight_harness.running.lifecycle.sessions import all_extraction
from foresight_harness.running.lifecycle.status import COMPLETE, RUNNING, STATUSES, counts_of, outcomes_of
from foresight_harness.running.run_folder.run_data import RunData

HARDWARE = ("cpu", "cores", "ram_gib", "gpus")
"""What the fingerprint of a machine is made of."""


def check_manifest(run: RunData) -> Iterator[str]:
    """One line for each statement that another one contradicts; what a run of before does not state is passed."""
    manifest = run.manifest
    yield from _cells(run)
    yield from _sessions(manifest)
    yield from _gates(run)
    hardware = manifest.get("hardware") or {}
    if all(name in hardware for name in HARDWARE):
        text = json.dumps({name: hardware[name] for name in HARDWARE}, sort_keys=True)
        if hardware.get("fingerprint") != hashlib.sha256(text.encode()).hexdigest()[:16]:
            yield "hardware of run.json was changed: its fingerprint is of another machine"
    options = manifest.get("options") or {}
    if "scale" in manifest and options.get("custom_scale") is None and options.get("scale") != manifest["scale"]:
        yield f"run.json: scale is {manifest['scale']!r}, and {options.get('scale')!r} among its options"
    for name, choices in (manifest.get("protocols") or {}).items():
        yield from _protocol(name, choices, manifest)


def _cells(run: RunData) -> Iterator[str]:
    """Planned cells, their outcomes, and the counts of both."""
    manifest, status = run.manifest, run.manifest.get("status")
    if "status" in manifest and status not in STATUSES:
        yield f"run.json: status is {status!r}, which is none of {', '.join(STATUSES)}"
    planned, outcomes = manifest.get("cells"), outcomes_of(run.all_records)
    if planned is None:
        return
    for one in planned:
        key = (str(one["candidate"]), str(one["suite"]), str(one["dataset"]))
        if "..." not in key[2] and cell_id(*key) != one["cell"]:  # an address without its secrets makes another id
            yield f"run.json: cell {one['cell']} is not that of {key[0]} in {key[1]} on {key[2]}"
        if status == COMPLETE and one["cell"] not in outcomes:
            yield f"no record says what came of {key[0]} in {key[1]} on {key[2]}, and the run is complete"
    if status != RUNNING:
        counts = counts_of([str(one["cell"]) for one in planned], outcomes)
        for name, count in counts.items():
            if (manifest.get("counts") or {}).get(name) != count:
                yield f"run.json counts {(manifest.get('counts') or {}).get(name)} {name} cells, its records {count}"
    suites = sorted({str(one["suite"]) for one in planned})
    if manifest.get("suites") != suites:
        yield f"run.json: suites are {manifest.get('suites')}, those of its cells {suites}"
    if unknown := [name for name in suites if name not in (manifest.get("suite_facts") or {})]:
        yield f"run.json says nothing of suite {unknown[0]} in suite_facts"


def _sessions(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The last session is what the run says of itself; what sessions read adds up."""
    if "sessions" not in manifest:
        return
    sessions = manifest["sessions"]
    if not sessions:
        yield "run.json lists no session"
        return
    for name in ("status", "ended", "command"):
        if sessions[-1].get(name) != manifest.get(name):
            yield f"run.json: {name} is {manifest.get(name)!r}, and {sessions[-1].get(name)!r} in its last session"
    if manifest.get("started") not in [one.get("started") for one in sessions]:
        yield f"run.json: no session started at {manifest.get('started')}"
    if manifest.get("extraction") != json.loads(json.dumps(all_extraction(sessions))):
        yield "run.json: extraction is not what its sessions add up to"
    counted = [one["counts"].get("ok", 0) for one in sessions if isinstance(one.get("counts"), Mapping)]
    whole = len(counted) == len(sessions) and all("counts" in one for one in sessions)
    if whole and len(sessions) == 1 and sessions[0]["counts"] != manifest.get("counts"):
        yield "run.json: counts are not those of its only session"


def _gates(run: RunData) -> Iterator[str]:
    for entry in run.manifest.get("gates") or ():
        path = run.path / str(entry["path"])
        if not path.is_file():
            yield f"{entry['path']} of gate {entry['name']} was removed"
        elif hashlib.sha256(path.read_bytes()).hexdigest()[:16] != entry["digest"]:
            yield f"{entry['path']} of gate {entry['name']} was changed"
    answers = run.manifest.get("answers") or {}
    kept = run.path / str(answers.get("path"))
    if answers and not kept.is_file():
        yield f"{kept.name}, which holds what people answered, was removed"
    elif answers and hashlib.sha256(kept.read_bytes()).hexdigest()[:16] != answers.get("digest"):
        yield f"{kept.name}, which holds what people answered, was changed"


def _protocol(name: str, choices: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    """Choices that stand elsewhere, too."""
    known = {str(one.get("fingerprint")) for one in manifest.get("datasets") or ()}
    for split in ("train", "test"):
        fingerprint = choices.get(f"fingerprint_{split}")
        if known and fingerprint is not None and fingerprint not in known:
            yield f"protocol {name} is of {split} data that run.json does not list"
    sizes = manifest.get("sizes") or {}
    if "seeds" in sizes and choices.get("seeds") not in (None, sizes["seeds"]):
        yield f"protocol {name} is of {choices['seeds']} seeds, run.json of {sizes['seeds']}"
