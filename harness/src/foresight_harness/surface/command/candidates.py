"""``foresight-bench candidates``: which candidates a choice means."""

from __future__ import annotations

import argparse

from foresight_harness.surface.command.candidate_options import add_run_options, chosen, say_left_out
from foresight_harness.surface.command.printing import print_json, print_table

EXAMPLES = (
    "foresight-bench candidates",
    "foresight-bench candidates --candidate 'dinov2*' --scale small",
    "foresight-bench candidates --matrix audit --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of a run, so that its command can be asked what it means; the choice alone decides."""
    add_run_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print one line a candidate."""
    _, selection = chosen(options)
    say_left_out(selection)
    rows = [
        {
            "candidate": str(candidate),
            "role": candidate.role,
            "conditioning": str(candidate.conditioning_shape()),
            "fit": "trained" if candidate.trainable or candidate.decoder.adapter != "linear" else "closed form",
        }
        for candidate in selection.candidates
    ]
    if options.json:
        print_json(rows)
    else:
        print_table(f"{len(rows)} candidates", rows, ["candidate", "role", "conditioning", "fit"])
    return 0
