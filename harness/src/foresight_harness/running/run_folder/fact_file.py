"""``facts.jsonl``: what records refer to, on disk before the records: a killed run has lost none of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.contracts.records import SCHEMA

NAME = "facts.jsonl"
PROTOCOL, DATASET, ADMISSION = "protocol", "dataset", "admission"


@dataclass(frozen=True)
class KeptFacts:
    """What the processes of a run have told of it so far."""

    protocols: Mapping[str, Mapping[str, Any]]
    """Digest -> the choices behind it."""
    datasets: tuple[Mapping[str, Any], ...]
    """As in ``run.json``."""
    admission: tuple[Mapping[str, Any], ...]
    """As in ``run.json``."""


def lines_of(
    protocols: Mapping[str, Any], datasets: Iterable[Mapping[str, Any]], admission: Iterable[Mapping[str, Any]]
) -> list[str]:
    """One line each, without its end."""
    told = [(PROTOCOL, {"digest": name, "choices": choices}) for name, choices in protocols.items()]
    told += [(DATASET, dict(one)) for one in datasets]
    told += [(ADMISSION, dict(one)) for one in admission]
    return [
        json.dumps({"schema": SCHEMA, "kind": kind, "value": value}, allow_nan=False, default=str)
        for kind, value in told
    ]


def read_facts(run: Path) -> KeptFacts:
    """Facts of a run folder; lines that are damaged are left out, and a folder without the file has none."""
    protocols: dict[str, Mapping[str, Any]] = {}
    others: dict[str, list[Mapping[str, Any]]] = {DATASET: [], ADMISSION: []}
    try:
        lines = (run / NAME).read_bytes().split(b"\n")
    except OSError:
        lines = []
    for line in lines:
        with suppress(ValueError, RecursionError, KeyError, TypeError):
            told = json.loads(line.decode("utf-8"))
            kind, value = told["kind"], told["value"]
            if kind == PROTOCOL:
                protocols[str(value["digest"])] = dict(value["choices"])
            elif dict(value) not in others[kind]:
                others[kind].append(dict(value))
    return KeptFacts(protocols, tuple(others[DATASET]), tuple(others[ADMISSION]))
