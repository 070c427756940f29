"""``foresight-bench export-features RUN|CANDIDATE ... -o DIR``: streams of features as safetensors or WebDataset."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.progress import silent
from foresight_harness.judging.gates.gate import fits
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.registry import load_registry
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.candidate_options import add_options, chosen, given_of, options_of, say_left_out
from foresight_harness.surface.command.printing import console, print_json

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.workshop import Workshop
    from foresight_harness.planning.candidates import ResolvedCandidate
    from foresight_harness.planning.options import DatasetChoice

EXAMPLES = (
    "foresight-bench export-features latest -o features",
    "foresight-bench export-features RUN 'dinov2_tiny@*' -o features --format webdataset --split test",
    "foresight-bench export-features dinov2_tiny@last --dataset shapes --scale smoke -o features --json",
)
OF_A_RUN = (
    *("matrix", "scale", "weights", "weights_source", "device", "dtype", "attention", "quantize", "device_map"),
    *("train_size", "picture_px"),
)
"""Options that a run has said already, where one is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, where to, how, and the options of a run that decide features."""
    parser.add_argument(
        "targets",
        nargs="+",
        metavar="RUN|CANDIDATE",
        help="a run (all its streams, or those of the candidates that follow), or candidates and encoder@tap",
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write; new or empty")
    parser.add_argument("--format", choices=("safetensors", "webdataset"), default="safetensors")
    parser.add_argument(
        "--split", action="append", choices=("train", "test"), default=[], help="repeatable; default both"
    )
    parser.add_argument("--shard-mib", type=float, default=256.0, metavar="N", help="size of a shard; default 256")
    add_options(parser, *OF_A_RUN, "input", "max_pixels", "dataset", "feature_cache", "out")


def run(options: argparse.Namespace) -> int:
    """Write the folder and say what is in it."""
    from foresight_harness.measuring.extraction.splits import SPLITS
    from foresight_harness.surface.feature_export import Stream, export_features

    if options.shard_mib <= 0:
        raise UsageError(f"--shard-mib {options.shard_mib:g}: must be above 0")
    workshop, candidates = _of_run(options) or _of_candidates(options)
    streams = [Stream(stream.encoder, tap) for one in candidates for stream in one.streams for tap in stream.ref.taps]
    streams = list({str(stream): stream for stream in streams}.values())
    folder = Path(options.output)
    content = export_features(
        workshop,
        streams,
        _datasets(options, workshop),
        [split for split in SPLITS if split in (options.split or SPLITS)],
        folder,
        options.format,
        max(1, int(options.shard_mib * 2**20)),
    )
    if options.json:
        print_json({"folder": str(folder), **content})
        return 0
    for one in content["streams"]:
        size = sum(shard["bytes"] for shard in one["shards"]) / 2**20
        console().print(
            f"{one['stream']} on {one['dataset']}/{one['split']}: {one['n']} of {' x '.join(map(str, one['shape']))} "
            f"{one['dtype']}, {len(one['shards'])} shards, {size:.1f} MiB",
            markup=False,
            highlight=False,
        )
    console().print(f"{folder}: manifest.json says what it is", markup=False, highlight=False)
    return 0


def _of_run(options: argparse.Namespace) -> tuple[Workshop, list[ResolvedCandidate]] | None:
    """Workshop and candidates of the run that stands first; None where none does."""
    first, *globs = options.targets
    try:
        data = RunData.load(find_run(Path(given_of(options).get("out") or "runs"), first))
    except RunFolderError:
        if first == "latest" or Path(first).is_dir():
            raise
        return None
    said = [name for name in OF_A_RUN if getattr(options, name) not in (None, [], ())]
    if said:
        raise UsageError(f"--{said[0].replace('_', '-')}: {data.path.name} says that itself; leave it out")
    from foresight_harness.surface.fit_export.obtaining import workshop_of

    registry = load_registry()
    known = list(dict.fromkeys(one.candidate for one in data.records))
    under_test = [name for name in known if any(one.is_candidate for one in data.records if one.candidate == name)]
    for glob in globs:
        if not any(fits(name, [glob]) for name in known):
            raise UsageError(f"no candidate {glob!r} in {data.path.name}{nearest(glob, known)}")
    wanted = [name for name in known if fits(name, globs)] if globs else under_test
    workshop = workshop_of(data, registry, silent(), options.feature_cache)
    return workshop, [resolve(parse_candidate(name), registry) for name in wanted]


def _of_candidates(options: argparse.Namespace) -> tuple[Workshop, Iterable[ResolvedCandidate]]:
    from foresight_harness.measuring.workshop.workshop import Workshop

    options.candidate = options.targets
    registry, selection = chosen(options)
    say_left_out(selection)
    return Workshop(registry, options_of(options, selection), silent()), selection.candidates


def _datasets(options: argparse.Namespace, workshop: Workshop) -> list[DatasetChoice]:
    """Of the run, or those that ``--dataset`` names among them."""
    known = workshop.options.datasets
    asked = options.dataset or []
    for name in asked:
        if name not in map(str, known) and name not in (choice.name for choice in known):
            raise UsageError(f"--dataset {name}: the run has {', '.join(map(str, known))}")
    return [choice for choice in known if not asked or {choice.name, str(choice)} & set(asked)]
