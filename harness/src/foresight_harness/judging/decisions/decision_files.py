"""Decision files: read, and checked against the gates that they decide by. A slip is one line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.decisions.proposal import ANSWERS, Branch, GateCondition, Proposal
from foresight_harness.judging.gates.gate import VERDICTS
from foresight_harness.planning.registry.registry import nearest

KEYS = {"schema", "order", "proposal", "title", "question", "document", "gates", "matrix", "budget", "branch"}
BRANCH_KEYS = {"answer", "line", "quote", "say", "when"}


def find_proposals(folder: Path, gates: Sequence[str]) -> list[Proposal]:
    """Every decision file of a folder, in their order.

    Args:
        folder: Such as ``benchmarks/decisions``.
        gates: Names of the gates that there are.

    Raises:
        UsageError: naming the file and what is wrong.
    """
    found = [read_proposal(path, gates) for path in sorted(folder.glob("*.toml"))]
    if not found:
        raise UsageError(f"no decision files in {folder}; run this in a checkout, where benchmarks/decisions lies")
    return sorted(found, key=lambda proposal: (proposal.order, proposal.name))


def read_proposal(path: Path, gates: Sequence[str]) -> Proposal:
    """Read and check one decision file. Raises: UsageError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"decision {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"decision {path} is not valid TOML: {' '.join(str(error).split())}") from error
    where = f"decision {path}"
    _keys(where, content, KEYS, KEYS - {"order", "matrix", "budget"})
    if type(content["schema"]) is not int or content["schema"] > SCHEMA:
        raise UsageError(f"{where}: schema {content['schema']!r}; this version reads up to {SCHEMA}")
    named = _gates(where, content["gates"], gates)
    matrix = content.get("matrix", "")
    if matrix and matrix not in named:
        raise UsageError(f"{where}: matrix {matrix!r:.40} is none of its gates")
    branches = content["branch"]
    if not isinstance(branches, list) or not branches:
        raise UsageError(f"{where}: branches stand in tables [[branch]]")
    return Proposal(
        name=path.stem,
        label=_text(where, content, "proposal"),
        title=_text(where, content, "title"),
        question=_text(where, content, "question"),
        document=_text(where, content, "document"),
        gates=named,
        branches=tuple(_branch(f"{where}, branch {place}", entry, named) for place, entry in enumerate(branches, 1)),
        order=content.get("order", 100),
        matrix=matrix,
        budget=_budget(where, content.get("budget"), content["document"]),
    )


def _branch(where: str, entry: Any, gates: Sequence[str]) -> Branch:
    _keys(where, entry, BRANCH_KEYS, BRANCH_KEYS)
    if entry["answer"] not in ANSWERS:
        raise UsageError(f"{where}: answer {entry['answer']!r:.40}: one of {', '.join(ANSWERS)}")
    if type(entry["line"]) is not int or entry["line"] < 1:
        raise UsageError(f"{where}: line {entry['line']!r:.40}: a line of the document, from 1")
    if not isinstance(entry["when"], list) or not entry["when"]:
        raise UsageError(f"{where}: when: a list of gates with verdicts")
    conditions = []
    for condition in entry["when"]:
        _keys(where, condition, {"gate", "verdicts"}, {"gate", "verdicts"})
        (gate,) = _gates(where, [condition["gate"]], gates)
        verdicts = condition["verdicts"]
        if not isinstance(verdicts, list) or not verdicts or not set(verdicts) <= set(VERDICTS):
            raise UsageError(f"{where}: verdicts {verdicts!r:.60}: a list of {', '.join(VERDICTS)}")
        conditions.append(GateCondition(gate, tuple(verdicts)))
    said = {key: _text(where, entry, key) for key in ("answer", "say", "quote")}
    return Branch(line=entry["line"], when=tuple(conditions), **said)


def _gates(where: str, names: Any, known: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(names, list) or not names:
        raise UsageError(f"{where}: gates must be a list of names")
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: no gate {name!r:.60}{nearest(str(name), known)}")
    return tuple(names)


def _budget(where: str, entry: Any, document: str) -> str:
    if entry is None:
        return ""
    _keys(where, entry, {"gpu_hours", "line"}, {"gpu_hours", "line"})
    return f"{_text(where, entry, 'gpu_hours')} ({document}, line {entry['line']})"


def _keys(where: str, entry: Any, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: {entry!r:.60} is no table")
    if unknown := sorted(set(entry) - allowed):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}{nearest(unknown[0], sorted(allowed))}")
    if absent := sorted(needed - set(entry)):
        raise UsageError(f"{where}: no {absent[0]!r}")


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} {value!r:.40}: a text is wanted")
    return value
