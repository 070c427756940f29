"""Printing: tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(value: Any) -> None:
    """Strict JSON on standard output."""
    json.dump(value, sys.stdout, indent=1, allow_nan=False, default=str)
    sys.stdout.write("\n")


def print_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows under a title. Texts of plugins are printed as they are, never read as markup."""
    table = Table(title=Text(title), box=box.SIMPLE, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(Text(column.replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if row.get(column) is None else str(row[column])) for column in columns))
    console().print(table)


def harmless(text: str) -> str:
    """Outside text on one line, without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def console() -> Console:
    """Wide where the output is no terminal, so that names are not folded in logs."""
    return Console(width=None if sys.stdout.isatty() else 200, soft_wrap=False)
