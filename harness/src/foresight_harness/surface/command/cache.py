"""``foresight-bench cache info|prune|verify``: the store of features."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.judging.comparison import baselines
from foresight_harness.planning.options.storage import place_of
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table

if TYPE_CHECKING:
    from foresight_harness.measuring.cache import upkeep

EXAMPLES = (
    "foresight-bench cache info",
    "foresight-bench cache prune --max-gib 20",
    "foresight-bench cache verify --feature-cache s3://BUCKET/features",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``info``, ``prune --max-gib N``, ``verify``."""
    parser.add_argument("action", choices=("info", "prune", "verify"))
    parser.add_argument("--feature-cache", default=".foresight/cache", metavar="DIR|URL", help="folder, or s3://...")
    parser.add_argument("--max-gib", type=float, metavar="N", help="prune: size to come down to")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="prune spares its baselines")


def run(options: argparse.Namespace) -> int:
    """Print; ``verify`` exits 1 where an entry is damaged, after removing it."""
    from foresight_harness.measuring.cache.bucket import Bucket  # loads torch, which no other verb should wait for

    folder, url = place_of(options.feature_cache)
    if url is None and not folder.is_dir():
        raise UsageError(f"no feature cache at {folder}; name it with --feature-cache")
    actions = {"info": _info, "prune": _prune, "verify": _verify}
    return actions[options.action](folder if url is None else Bucket(url), options)


def _info(place: upkeep.Place, options: argparse.Namespace) -> int:
    from foresight_harness.measuring.cache import upkeep

    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in upkeep.entries(place):
        told = sums[entry.kind, entry.of]
        told[0] += 1
        told[1] += entry.bytes
    rows: list[dict[str, Any]] = [
        {"kind": kind, "of": of, "entries": count, "mib": round(size / 2**20, 1)}
        for (kind, of), (count, size) in sorted(sums.items(), key=lambda item: -item[1][1])
    ]
    total = sum(size for _, size in sums.values())
    if options.json:
        print_json({"root": str(place), "bytes": total, "rows": rows})
    else:
        print_table(f"{options.feature_cache}: {total / 2**20:.0f} MiB", rows, ["kind", "of", "entries", "mib"])
    return 0


def _prune(place: upkeep.Place, options: argparse.Namespace) -> int:
    from foresight_harness.measuring.cache import upkeep
    from foresight_harness.measuring.cache.leftovers import remove_leftovers

    if options.max_gib is None or options.max_gib < 0:
        raise UsageError("cache prune needs --max-gib N, the size to come down to (0 or more)")
    left_behind, left_bytes = remove_leftovers(place) if isinstance(place, Path) else (0, 0)
    spared = spared_keys(options.out)
    removed = upkeep.prune(place, int(options.max_gib * 2**30), spared)
    left = sum(entry.bytes for entry in upkeep.entries(place))
    freed = sum(entry.bytes for entry in removed) + left_bytes
    if options.json:
        told = {"removed": len(removed), "freed_bytes": freed, "left_bytes": left, "spared": len(spared)}
        print_json({**told, "leftovers": left_behind})
    else:
        half = f" and {left_behind} left half-written by runs that were ended" if left_behind else ""
        console().print(
            f"removed {len(removed)} entries{half}, {freed / 2**20:.0f} MiB; {left / 2**20:.0f} MiB are left",
            markup=False,
        )
    return 0


def spared_keys(runs: Path) -> list[str]:
    """Keys that the runs behind baselines were measured on."""
    keys: list[str] = []
    for name in baselines.names(runs):
        try:
            manifest = RunData.load(find_run(runs, baselines.current(runs, name).run)).manifest
        except ForesightError:
            continue
        keys += (manifest.get("extraction") or {}).get("cache_keys") or []
    return sorted(set(keys))


def _verify(place: upkeep.Place, options: argparse.Namespace) -> int:
    from foresight_harness.measuring.cache import upkeep

    found = list(upkeep.damage(place))
    upkeep.remove(place, (entry for entry, _ in found))
    rows = [{"entry": entry.key[:16], "of": entry.of, "file": file} for entry, file in found]
    if options.json:
        print_json({"damaged": rows})
    elif rows:
        title = f"{len(rows)} damaged entries, removed: they are made again when they are needed"
        print_table(title, rows, ["entry", "of", "file"])
    else:
        console().print(f"{len(upkeep.entries(place))} entries are sound", markup=False)
    return 1 if rows else 0
