"""``foresight-bench candidates``: which candidates a choice means."""

from __future__ import annotations

import argparse

from foresight_harness.surface.command.candidate_options import add_choice, chosen
from foresight_harness.surface.command.printing import print_json, print_table

NAME = "candidates"
HELP = "list the candidates of a matrix or a glob"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--candidate``, ``--matrix``, ``--scale``."""
    add_choice(parser)


def run(options: argparse.Namespace) -> int:
    """Print one line a candidate."""
    _, selection = chosen(options)
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
