"""``foresight-bench decide RUN...``: what each proposal's own decision tree says of the measurements."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.decisions.deciding import decide
from foresight_harness.judging.decisions.decision_files import find_proposals
from foresight_harness.judging.decisions.markdown import as_markdown
from foresight_harness.judging.gates.gate_files import answers_of, find_gates
from foresight_harness.planning.named_files import by_name, folders_of
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.folder import find_run, writing
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table
from foresight_harness.surface.report_writers import is_for_the_user, reporter

EXAMPLES = (
    "foresight-bench decide latest",
    "foresight-bench decide RUN RUN --answers answers.toml -o decision.html",
    "foresight-bench decide latest --markdown",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN..., ``--answers``, ``-o``, ``--markdown``, ``--device``, ``--out``."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, ids or latest; read as one")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="what only people can know, in TOML")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="page to write; default decision.html in the first run"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown instead of text")
    parser.add_argument(
        "--device", default="cpu", metavar="cpu|cuda|mps", help="of the run that would settle what is open; default cpu"
    )
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print the answers, and write the page and what it is made from."""
    registry = load_registry()
    folders, trees = folders_of("gates"), folders_of("decisions")
    if not trees or not folders:
        raise UsageError("there is no benchmarks/decisions here, and no benchmarks are installed; install them")
    gates = find_gates(sorted(by_name(folders)), folders, registry)  # of all folders: one's own hide no proposal's
    proposals = find_proposals(trees[0], [gate.name for gate in gates])
    answers = answers_of(options.answers, gates, folders, registry)
    runs = [RunData.load(find_run(Path(options.out), name)) for name in options.runs]
    found = decide(proposals, gates, runs, answers, registry, folders_of("matrices"), options.device)
    page = options.output or runs[0].path / "decision.html"
    said = _write(found, page)
    if options.json:
        print_json(found)
    elif options.markdown:
        print(as_markdown(found), end="")
    else:
        _print(found)
        console().print(said, markup=False, highlight=False)
    return 3 if all(one["answer"] == "CANNOT SAY" for one in found["proposals"]) else 0


def _write(found: Mapping[str, Any], page: Path) -> str:
    """Write ``decision.json`` and the page beside it; returns what to say of it. Raises: UsageError."""
    content = page.with_suffix(".json")
    if content == page:
        raise UsageError(f"-o {page} is where the content of the page goes; name a page, such as {page.stem}.html")
    with writing(page.parent):
        page.parent.mkdir(parents=True, exist_ok=True)
        content.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    try:
        written = reporter("html")([content], page)
    except UsageError as error:
        return f"content: {content}; no page: {error}"
    except Exception as error:
        if not is_for_the_user(error):
            raise
        raise UsageError(str(error)) from error
    return f"page: {written}"


def _print(found: Mapping[str, Any]) -> None:
    rows = [
        {"proposal": f"{one['proposal']}: {one['title']}", "answer": one["answer"], "why": one["say"]}
        for one in found["proposals"]
    ]
    print_table(found["headline"], rows, ("proposal", "answer", "why"))
    for one in found["proposals"]:
        if one["next"] and one["answer"] == "CANNOT SAY":
            console().print(f"{one['proposal']}, next: {one['next']['command']}", markup=False, highlight=False)
