"""Options that choose candidates and say how a run is to be, shared by the verbs that plan and list."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from foresight_harness.contracts.text import one_line
from foresight_harness.planning.candidates import Selection, select_candidates
from foresight_harness.planning.candidates.select import DEFAULT_MATRIX
from foresight_harness.planning.named_files import folders_of
from foresight_harness.planning.options import DEFAULT_SCALE, RunOptions
from foresight_harness.planning.options.declared import BY_NAME, OPTIONS, declare
from foresight_harness.planning.options.file import OptionsFile, is_said, merged, read_options
from foresight_harness.planning.options.run_options import as_texts, run_options
from foresight_harness.planning.registry import Registry, load_registry


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Some options of a run, the same as pytest's."""
    declare(parser.add_argument, (BY_NAME[name] for name in names))


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Every option of a run, by the names that pytest has them under."""
    declare(parser.add_argument, OPTIONS)


def said_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says, by name."""
    return {name: value for name, value in vars(options).items() if name in BY_NAME and is_said(value)}


def file_of(options: argparse.Namespace) -> OptionsFile:
    """The file of options that holds here. Raises: UsageError."""
    return read_options(options.config)


def given_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says, else the file; defaults are not in it. Raises: UsageError."""
    return merged(file_of(options), said_of(options))


def chosen(options: argparse.Namespace) -> tuple[Registry, Selection]:
    """Registry, and the candidates with what their matrix says. Raises: UsageError."""
    registry, given = load_registry(), given_of(options)
    patterns = as_texts(given.get("candidate", ()))
    sources = as_texts(given.get("weights_source") or ())
    folders = folders_of("matrices")
    found = select_candidates(registry, patterns, given.get("matrix"), folders, given.get("scale"), sources)
    return registry, found


def say_left_out(selection: Selection) -> None:
    """What of the matrix cannot be scored here, a line each."""
    for reason in selection.left_out:
        print(f"left out of the matrix: {one_line(reason)}", file=sys.stderr)


def options_of(options: argparse.Namespace, selection: Selection) -> RunOptions:
    """As the pytest plugin makes them. Raises: UsageError."""
    return run_options(given_of(options), selection)


def sources(options: argparse.Namespace, selection: Selection, wanted: RunOptions) -> list[Mapping[str, Any]]:
    """Every option with its value and who said so: the command line, the file, the matrix, or nobody."""
    said, file = said_of(options), file_of(options)
    matrix = f"matrix {said.get('matrix', file.values.get('matrix', DEFAULT_MATRIX))}"
    by_matrix = {
        "scale": selection.scale != DEFAULT_SCALE,
        "dataset": bool(selection.datasets),
        "probe": bool(selection.probes),
        "input": selection.input is not None,
    }
    filled_in = {"scale": wanted.scale, "dataset": wanted.datasets, "probe": wanted.probes, "input": wanted.input}
    rows: list[Mapping[str, Any]] = []
    for name, option in BY_NAME.items():
        value = filled_in.get(name, said.get(name, file.values.get(name, option.default)))
        if name in said:
            source = "command line"
        elif name in file.values:
            source = str(file.path)
        else:
            source = matrix if by_matrix.get(name) else "default"
        rows.append({"option": option.long_name, "value": _shown(value), "source": source})
    return rows


def _shown(value: Any) -> Any:
    """As it would be written; None where nothing holds."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return value
